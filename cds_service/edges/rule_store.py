"""Finds the rules folder and loads what is served of it: the release accepted last, else the one it names."""

from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from cds_service.core.overlay import overlay
from cds_service.core.plural import so_many
from cds_service.core.rule import Release
from cds_service.rulebook.kept import ACCEPTED, Looked, Standing, look, read_standing, release_folder
from cds_service.rulebook.release import Known, Loaded, load_release, load_sound
from cds_service.rulebook.release_lock import digest_of, digests_there
from cds_service.rulebook.site_file import SiteFile
from cds_service.rulebook.software import this_software
from cds_service.rulebook.source import RuleProblem

SHOWN = 10  # problems that are told at start-up
_SOURCE_TREE = Path(__file__).resolve().parents[2] / "rules"


class RulesProblem(Exception):
    """The rules cannot be served; the text tells the first errors as file:line:column: code: text."""


class SiteProblem(Exception):
    """A site file that cannot be put on a release. problems: each as file:line:column: code: text."""

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        super().__init__(
            "\n".join([*problems, f"CDS_SITE: {so_many(len(problems), 'problem')} in {file}; nothing is served"])
        )
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Served:
    """The release in service, as its files say, and the rules folder it comes from.

    loaded:   the release with all that it was read from.
    accepted: whether it is the copy that was kept when it was accepted, and not the folder itself.
    instead:  why that copy is not what the folder holds now; empty if it is.
    """

    loaded: Loaded
    folder: Path
    accepted: bool = False
    instead: tuple[str, ...] = ()

    @property
    def release(self) -> Release:
        """The release, without what a site changes of it."""
        return release_of(self.loaded)


def find_rules(chosen: Path | None) -> Path:
    """Give the rules folder: the one CDS_RULES names, else the packaged one, else that of the source tree.

    Raises RulesProblem when there is none.
    """
    if chosen is not None:
        return chosen
    packaged = Path(str(resources.files("cds_service"))) / "_data" / "rules"
    for folder in (packaged, _SOURCE_TREE):
        if folder.is_dir():
            return folder
    raise RulesProblem("no rules folder: set CDS_RULES to one")


def load_served(folder: Path, kept: Path | None, *, check: bool, site: SiteFile | None = None) -> Served:
    """Load what is to be served of a rules folder: what was accepted last, or the folder where nothing ever was.

    kept:  where accepted releases are; None keeps none.
    site:  a site file that what is accepted must fit.
    check: accept first what the folder commits to, if it is sound. A worker need not repeat what the master did.
    Raises RulesProblem when there is nothing to serve.
    """
    if kept is None:
        return load_rules(folder, check=check)
    try:
        looked = look(folder, kept, site) if check else Looked(ACCEPTED, read_standing(kept, folder, site))
    except OSError as fault:
        said = f"{fault.filename or kept}: {fault.strerror}; releases are not kept, and a new one needs a restart"
        return replace(load_rules(folder, check=check), instead=(said,))
    if not looked.standing.digest:
        return load_rules(folder, check=check)
    return Served(load_accepted(kept, looked.standing, looked.known), folder, True, looked.problems)


def release_of(loaded: Loaded) -> Release:
    """Give the release of files that are known to be sound."""
    assert loaded.release is not None
    return loaded.release


def at_site(loaded: Loaded, folder: Path, site: SiteFile | None) -> Release:
    """Give a release as the site wants it served; None = as shipped. Raises SiteProblem with all that is wrong."""
    if site is None:
        return release_of(loaded)
    from cds_service.rulebook.lint_site import site_problems

    problems = site_problems(site, loaded, folder, date.today())
    if problems:
        raise SiteProblem(site.source.file, tuple(map(str, problems)))
    return overlay(release_of(loaded), site.site)


def load_accepted(kept: Path, standing: Standing, known: Known = MappingProxyType({})) -> Loaded:
    """Load the release that was accepted last. Raises RulesProblem when its files are not those any more.

    What their digest vouches for before they are read need not be asked of them; it is told once more when they were.
    """
    folder = release_folder(kept, standing)
    files = digests_there(folder, standing.release)
    sound = standing.version == this_software() and digest_of(files) == standing.digest
    loaded = load_sound(folder, files, known) if sound else load_release(folder, tested=frozenset(files))
    if loaded.release is None or loaded.release.digest != standing.digest:
        raise RulesProblem(f"{folder}: the files are not those that were accepted\n  hint: remove this folder")
    return loaded


def load_rules(folder: Path, *, check: bool) -> Served:
    """Load the release that `folder`/release.yaml names.

    check: run every lint check first; a worker need not repeat what the master did.
    Raises RulesProblem with all errors; warnings do not stop a release.
    """
    loaded = load_release(folder)
    problems = _found_by_lint(loaded, folder) if check else []
    problems += [each for each in loaded.problems if each not in problems]
    errors = [str(each) for each in problems if each.severity == "error"]
    if errors or loaded.release is None:
        more = f" ({len(errors) - SHOWN} not shown; `cds-service rules lint` shows all)" if len(errors) > SHOWN else ""
        raise RulesProblem(
            "\n".join([*errors[:SHOWN], f"{folder}: {so_many(len(errors), 'error')}{more}; nothing is served"])
        )
    return Served(loaded, folder)


def _found_by_lint(loaded: Loaded, folder: Path) -> list[RuleProblem]:
    from cds_service.rulebook.lint import report_of  # only what is new is looked at, and a restart finds nothing new

    return list(report_of(loaded, folder).problems)
