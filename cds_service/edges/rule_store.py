"""Finds the rules folder and loads the release it names, once."""

from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

from cds_service.core.overlay import overlay
from cds_service.core.rule import Release
from cds_service.rulebook.lint import report_of
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.release import Loaded, load_release
from cds_service.rulebook.site_file import read_site

SHOWN = 10  # problems that are told at start-up
_SOURCE_TREE = Path(__file__).resolve().parents[2] / "rules"


class RulesProblem(Exception):
    """The rules cannot be served; the text tells the first errors as file:line:column: code: text."""


@dataclass(frozen=True, slots=True)
class Served:
    """The release in service and the folder it came from."""

    release: Release
    folder: Path


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


def load_rules(folder: Path, *, check: bool, site: Path | None = None) -> Served:
    """Load the release that `folder`/release.yaml names, with what a site file changes of it.

    check: run every lint check first; a worker need not repeat what the master did. A site file is always checked.
    Raises RulesProblem with all errors; warnings do not stop a release.
    """
    loaded = load_release(folder)
    problems = list(report_of(loaded, folder).problems) if check else []
    problems += [each for each in loaded.problems if each not in problems]
    errors = [str(each) for each in problems if each.severity == "error"]
    if errors or loaded.release is None:
        more = f" ({len(errors) - SHOWN} not shown; `cds-service rules lint` shows all)" if len(errors) > SHOWN else ""
        raise RulesProblem("\n".join([*errors[:SHOWN], f"{folder}: {len(errors)} errors{more}; nothing is served"]))
    return Served(_overlaid(loaded.release, loaded, folder, site) if site else loaded.release, folder)


def _overlaid(release: Release, loaded: Loaded, folder: Path, site: Path) -> Release:
    file = read_site(site)
    problems = [str(each) for each in site_problems(file, loaded, folder, date.today())]
    if problems:
        raise RulesProblem("\n".join([*problems, f"CDS_SITE: {len(problems)} problems in {site}; nothing is served"]))
    return overlay(release, file.site)
