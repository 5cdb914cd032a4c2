"""One version of one rule as it can be judged: by the release that has it, else by the newest of everything."""

from collections.abc import Callable, Iterable
from pathlib import Path

from cds_service.core.rule import Edition, Rule
from cds_service.rulebook.lint import cannot_be_judged, drafts_of
from cds_service.rulebook.lint_subject import Subject, files_of, unread_sets
from cds_service.rulebook.release import Loaded, load_release, subjects_of
from cds_service.rulebook.rule_report import tested_of
from cds_service.rulebook.source import RuleProblem, nearest


class NoEdition(LookupError):
    """There is no such version, or it cannot be judged; the text says what was found and what is wanted."""


Load = Callable[[Path, str | None], Loaded]


def edition_of(folder: Path, name: str, load: Load = load_release) -> Edition:
    """Find a rule by "id" (its active version) or "id@version" (of any release of the folder, or a draft).

    load: reads a release; one that remembers spares whoever looks for several versions. Raises NoEdition.
    """
    rule_id, _, version = name.partition("@")
    current = load(folder, None)
    known = {each.id for each in current.file.entries}
    if not version:
        active = [each.version for each in current.file.entries if each.id == rule_id]
        if not active:
            raise NoEdition(_unknown(rule_id, known | _folders(folder)))
        version = active[0]
    older = (load(folder, each.stem) for each in sorted((folder / "releases").glob("*.yaml")))
    for loaded in (current, *older):
        for subject in subjects_of(loaded, folder):
            if _is(subject, rule_id, version):
                return _sound(subject, [*loaded.problems, *cannot_be_judged(subject)])
    drafts, problems = drafts_of(folder, current)
    for subject in drafts:
        if _is(subject, rule_id, version):
            return _sound(subject, [*problems, *cannot_be_judged(subject)])
    versions = sorted(each.stem for each in (folder / rule_id).glob("*.yaml"))
    if versions:
        raise NoEdition(f"{rule_id} has no version {version}; there are {', '.join(versions)}")
    raise NoEdition(_unknown(rule_id, known | _folders(folder)))


def _is(subject: Subject, rule_id: str, version: str) -> bool:
    return isinstance(subject.draft, Rule) and (subject.draft.id, subject.draft.version) == (rule_id, version)


def _sound(subject: Subject, problems: Iterable[RuleProblem]) -> Edition:
    files = files_of(subject)
    errors = list(dict.fromkeys(each for each in problems if each.severity == "error" and each.file in files))
    if errors:
        raise NoEdition("\n".join(map(str, errors)))
    unread = sorted(unread_sets(subject))
    if unread:
        raise NoEdition(f"{subject.draft.id} needs value sets that cannot be read: {', '.join(unread)}")
    edition = tested_of(subject)
    assert isinstance(edition, Edition)
    return edition


def _folders(folder: Path) -> set[str]:
    apart = {"definitions", "value-sets", "releases"}
    return {each.parent.name for each in folder.glob("*/*.yaml")} - apart


def _unknown(rule_id: str, known: set[str]) -> str:
    near = nearest(rule_id, sorted(known))
    return f"no rule '{rule_id}'{near and '; '}{near}"
