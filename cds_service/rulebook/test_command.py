"""`cds-service rules test`: run the inline tests of a release and score the small changes they notice."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from cds_service.core.value_set import Table
from cds_service.rulebook.change import version_order
from cds_service.rulebook.junit import as_junit
from cds_service.rulebook.lint import cannot_be_judged, drafts_of
from cds_service.rulebook.lint_subject import Subject, files_of, unread_sets
from cds_service.rulebook.release import load_release, subjects_of, unknown_release
from cds_service.rulebook.rule_report import as_json, as_text, report_of
from cds_service.rulebook.source import RuleProblem, nearest

FINE, FINDINGS, USAGE = 0, 1, 2


def test_command(args: argparse.Namespace) -> int:
    """Test the files of a release, active and trial, rules and definitions, and print what was found.

    A file that no release names is a draft; it is tested when it is named, by the newest of everything in the folder.

    args: rule (ids, "id@version" or none for all), folder, release (an older one by name), format ("text", "json" or
    "junit"), watched (passes the files on and shows how far it is; none if left out).
    Returns 0 when every test passes and no small change is missed, 1 otherwise, 2 for a name that there is not.
    """
    folder, name = Path(args.folder), getattr(args, "release", None)
    unknown = name and unknown_release(folder, name)
    if unknown:
        print(f"rules test: {unknown}", file=sys.stderr)
        return USAGE
    form = getattr(args, "format", None) or "text"
    loaded = load_release(folder, name)
    if form == "text":
        print(f"rules: {folder}, release {loaded.file.id}")
    errors = [each for each in loaded.problems if each.severity == "error"]
    subjects = subjects_of(loaded, folder)
    wanted = tuple(getattr(args, "rule", ()) or ())
    if wanted:
        drafts, problems = drafts_of(folder, loaded)
        subjects = (*subjects, *(each for each in drafts if any(_is_called(each, name) for name in wanted)))
        errors += [each for each in problems if each.severity == "error" and _concerns(each, subjects)]
    missing = [each for each in wanted if not any(_is_called(subject, each) for subject in subjects)]
    if missing:
        for each in missing:
            print(_not_there(each, folder, subjects), file=sys.stderr)
        return USAGE
    chosen = [each for each in subjects if not wanted or any(_is_called(each, name) for name in wanted)]
    errors += [problem for each in chosen for problem in cannot_be_judged(each)]
    errors = list(dict.fromkeys(errors))
    sound = [each for each in chosen if not _in_error(each, errors)]
    watched = getattr(args, "watched", None)
    reports = [report_of(each, table) for each, table in _with_tables(watched("tests", sound) if watched else sound)]
    if form == "junit":
        print(as_junit(reports, errors), end="")
    elif form == "json":
        print(json.dumps({**as_json(reports), "errors": [str(each) for each in errors]}, indent=2))
    else:
        print("\n".join([*map(str, errors), as_text(reports)]))
    return FINE if all(each.fine for each in reports) and not errors else FINDINGS


def _not_there(name: str, folder: Path, subjects: Iterable[Subject]) -> str:
    """Say that there is no such rule or definition; which versions there are, or the nearest name."""
    id_, at, version = name.partition("@")
    paths = [*(folder / id_).glob("*.yaml"), *(folder / "definitions" / id_).glob("*.yaml")] if at and id_ else []
    if paths:
        there = ", ".join(sorted((each.stem for each in paths), key=version_order))
        return f"{id_} has no version {version or 'without a number'}; there are {there}"
    near = nearest(id_, [each.draft.id for each in subjects])
    return f"no rule or definition '{name}' in this release{near and '; '}{near}"


def _is_called(subject: Subject, name: str) -> bool:
    return name in (subject.draft.id, f"{subject.draft.id}@{subject.draft.version}")


def _concerns(problem: RuleProblem, subjects: Iterable[Subject]) -> bool:
    return any(problem.file in files_of(each) for each in subjects)


def _in_error(subject: Subject, errors: Iterable[RuleProblem]) -> bool:
    """Whether the file, or a definition or value set it reaches, has an error; then its tests would mean nothing."""
    files = files_of(subject)
    return bool(unread_sets(subject)) or any(each.file in files for each in errors)


def _with_tables(subjects: Iterable[Subject]) -> Iterable[tuple[Subject, Table]]:
    """Give each file with a table of all value sets of its pins, built once for all files with the same pins."""
    tables: dict[int, Table] = {}
    for each in subjects:
        key = id(each.shelf)
        if key not in tables:
            tables[key] = Table(each.shelf.value_sets.values())
        yield each, tables[key]
