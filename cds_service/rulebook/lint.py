"""`cds-service rules lint`: every check over every file of a rules folder.

Files that the current release names are judged by its pins. Files that no release names are drafts: they are judged
by the newest of everything in the folder, so that a rule can be written before it is released.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cds_service.core.overlay import overlay
from cds_service.core.rule import Rule
from cds_service.core.site_words import site_report
from cds_service.rulebook import (
    lint_between,
    lint_cards,
    lint_find,
    lint_names,
    lint_parameters,
    lint_placeholders,
    lint_rule,
    lint_tests,
    lint_version,
    lint_words,
)
from cds_service.rulebook.lint_codes import ERROR, MEANINGS, WARNING, severity_of
from cds_service.rulebook.lint_site import site_problems
from cds_service.rulebook.lint_subject import Shelf, Subject, subject_of
from cds_service.rulebook.reader import DefinitionFile, RuleFile, read_definition_file, read_rule_file
from cds_service.rulebook.release import Loaded, load_release, shelf_of, subjects_of
from cds_service.rulebook.release_file import RELEASE_FILE, read_release_file
from cds_service.rulebook.release_lock import read_lock
from cds_service.rulebook.site_file import SiteFile, read_site
from cds_service.rulebook.source import RuleProblem, Source
from cds_service.rulebook.uncollected import uncollected
from cds_service.rulebook.value_set_file import read_value_set_file

CHECKS = (
    *lint_names.CHECKS,
    *lint_parameters.CHECKS,
    *lint_find.CHECKS,
    *lint_rule.CHECKS,
    *lint_placeholders.CHECKS,
    *lint_cards.CHECKS,
    *lint_tests.CHECKS,
    *lint_words.CHECKS,
)
# What decides whether a file can be judged at all; the others are about its words, cards and tests.
JUDGING = (*lint_names.CHECKS, *lint_parameters.CHECKS, *lint_find.CHECKS)
NOT_REVIEWED = "not-reviewed"  # counted, not printed: it says nothing about a file that could be mended in it
FROM_TESTS = frozenset({"small-change-missed", "untested-verdict"})  # `rules test` finds these and reads the allows


@dataclass(frozen=True, slots=True)
class Report:
    """What lint found: problems that stand, and warnings that a comment allows; the rules looked at, drafts too.

    site: what a site file does, in lines; empty without one, and with one that has problems.
    """

    problems: tuple[RuleProblem, ...]
    allowed: tuple[RuleProblem, ...]
    rules: tuple[Rule, ...] = ()
    site: tuple[str, ...] = ()

    def count(self, severity: str) -> int:
        """How many problems of a severity stand."""
        return sum(each.severity == severity for each in self.problems)


def lint(folder: Path, today: date | None = None, site: Path | None = None) -> tuple[RuleProblem, ...]:
    """Give every problem of a rules folder that no comment allows, in the order of files and lines.

    today: the day reviews and a site's decisions are measured by; None leaves out the codes of review days.
    site:  a site file to look at as well.
    """
    return lint_report(folder, today, site).problems


def lint_report(folder: Path, today: date | None = None, site: Path | None = None) -> Report:
    """Look at a rules folder, and at a site file that changes its release; what comments allow is given apart."""
    return report_of(load_release(folder), folder, today, read_site(site) if site else None)


def report_of(
    loaded: Loaded,
    folder: Path,
    today: date | None = None,
    site: SiteFile | None = None,
    sound: frozenset[str] = frozenset(),
) -> Report:
    """Look at a rules folder whose release is loaded already, and at a site file.

    sound: names of files that were looked at before, by themselves; they are looked at for what is between files alone.
    """
    with uncollected():
        return _report(loaded, folder, today, site, {str(folder / each) for each in sound})


def _report(loaded: Loaded, folder: Path, today: date | None, site: SiteFile | None, sound: set[str]) -> Report:
    released = subjects_of(loaded, folder)
    drafts, draft_problems = drafts_of(folder, loaded)
    problems = [*loaded.problems, *draft_problems]
    for subject in (*released, *drafts):
        if subject.source.file not in sound:
            problems += lint_subject(subject, today)
    rules = {
        each.id: loaded.rules[each.id, each.version]
        for each in loaded.file.entries
        if not each.trial and (each.id, each.version) in loaded.rules
    }
    shelf = shelf_of(loaded, folder, loaded.file.pins)
    paths = {
        name: folder / "value-sets" / name / f"{version}.json" for name, version in loaded.file.pins.value_sets.items()
    }
    problems += [*lint_between.loops(rules), *lint_between.topics(rules)]
    problems += lint_between.sets(shelf.value_sets, paths)
    problems += lint_between.locked(folder, loaded.file.id)
    problems += lint_version.steps(folder, _locked(folder))
    looked_at = (*released, *drafts)
    sources = [each.source for each in looked_at]
    told: list[str] = []
    if site is not None:
        found = site_problems(site, loaded, folder, today)
        problems += found
        sources.append(site.source)
        told = site_report(overlay(loaded.release, site.site)) if loaded.release and not found else []
    report = settle(problems, sources)
    rules_seen = tuple(each.draft for each in looked_at if isinstance(each.draft, Rule))
    return replace(report, rules=rules_seen, site=tuple(told))


def _locked(folder: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        return read_lock(folder)
    except ValueError:  # lint_between.locked tells it
        return {}


def lint_subject(subject: Subject, today: date | None = None) -> Iterator[RuleProblem]:
    """Look at one file; problems of its form are those of its reading."""
    for check in CHECKS:
        yield from check(subject)
    if today is not None:
        yield from lint_rule.overdue(subject, today)
        yield from lint_rule.ahead(subject, today)


def cannot_be_judged(subject: Subject) -> list[RuleProblem]:
    """Give the errors of a file with which judging it would mean nothing, or fail."""
    return [each for check in JUDGING for each in check(subject) if each.severity == ERROR]


def settle(problems: Iterable[RuleProblem], sources: Iterable[Source]) -> Report:
    """Part problems from allowed warnings, and add a warning for each comment that allows nothing."""
    found = list(dict.fromkeys(problems))
    by_file = {each.file: each for each in sources}
    standing, allowed = [], []
    used: set[tuple[str, int]] = set()
    for each in found:
        allows = by_file[each.file].allows.get(each.line, ()) if each.file in by_file else ()
        if each.severity == WARNING and any(one.code == each.code for one in allows):
            allowed.append(each)
            used.add((each.file, each.line))
        else:
            standing.append(each)
    for source in by_file.values():
        for line, allows in source.allows.items():
            for one in allows:
                if (source.file, line) not in used and one.code not in FROM_TESTS:
                    standing.append(_unused(source, one.code, line))
    standing.sort(key=lambda each: (each.file, each.line, each.column))
    return Report(tuple(standing), tuple(allowed))


def _unused(source: Source, code: str, line: int) -> RuleProblem:
    mark = source.allows[line][0].mark
    if not code:
        text = "the comment is not of the form '# lint: allow <code> because <reason>'"
    elif code not in MEANINGS:
        text = f"'{code}' is no code of lint"
    elif severity_of(code) != WARNING:
        text = f"'{code}' is an error; only warnings can be allowed"
    else:
        text = f"nothing on this line needs '{code}' to be allowed"
    return source.problem("unused-allow", mark, text)


def drafts_of(folder: Path, loaded: Loaded) -> tuple[list[Subject], list[RuleProblem]]:
    """Read the files that no release names, with a shelf of the newest of everything."""
    named = set(loaded.paths)
    for older in sorted((folder / "releases").glob("*.yaml")):
        file = read_release_file(older)
        named |= {f"{each.id}/{each.version}.yaml" for each in file.entries}
        named |= {f"definitions/{name}/{version}.yaml" for (name, _), version in file.pins.definitions.items()}
    files: list[RuleFile | DefinitionFile] = []
    for path in sorted((*folder.glob("*/*.yaml"), *folder.glob("definitions/*/*.yaml"))):
        inside = path.relative_to(folder)
        if inside.as_posix() in named or inside.parts[0] == "releases":
            continue
        if inside.parts[0] == "definitions":
            files.append(read_definition_file(path))
        elif inside.name != RELEASE_FILE:
            files.append(read_rule_file(path))
    if not files:
        return [], []
    shelf, problems = _newest(folder, loaded, files)
    for each in files:
        problems += each.problems
    return [subject_of(each, shelf) for each in files], problems


def _newest(folder: Path, loaded: Loaded, files: list[RuleFile | DefinitionFile]) -> tuple[Shelf, list[RuleProblem]]:
    """Give a shelf of the release's pins, and for what it does not pin the newest version in the folder."""
    pinned = shelf_of(loaded, folder, loaded.file.pins)
    definitions = dict(pinned.definitions)
    for file in sorted(files, key=lambda each: _order(each.draft.version)):
        if isinstance(file, DefinitionFile) and file.draft.version:
            key = (file.draft.id, _order(file.draft.version)[0])
            if key not in pinned.definitions:
                definitions[key] = file
    value_sets = dict(pinned.value_sets)
    problems: list[RuleProblem] = []
    for each in sorted((folder / "value-sets").glob("*")):
        versions = sorted(each.glob("*.json"), key=lambda path: _order(path.stem))
        if versions and each.name not in pinned.set_ids:
            value_set, found = read_value_set_file(versions[-1])
            problems += found
            if value_set is not None:
                value_sets[each.name] = value_set
    rules = pinned.rules | {each.draft.id for each in files if isinstance(each, RuleFile)}
    set_ids = pinned.set_ids | pinned.other_sets
    return replace(pinned, definitions=definitions, value_sets=value_sets, set_ids=set_ids, rules=rules), problems


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
