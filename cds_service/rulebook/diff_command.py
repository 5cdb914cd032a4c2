"""`cds-service rules diff`: what changed between two versions of a rule or definition, or two releases.

Exit codes: 0 every version takes the step its change needs, 1 one is too small or lines of the cohort could not be
used, 2 no such version or no cohort.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from cds_service.rulebook.change import version_order
from cds_service.rulebook.compare import pin_changes, what_is_read
from cds_service.rulebook.compare_page import difference_page, flows, release_page
from cds_service.rulebook.compare_people import Two, two_editions, two_releases
from cds_service.rulebook.compare_release import difference, release_difference
from cds_service.rulebook.compare_report import difference_json, difference_text, release_json, release_text
from cds_service.rulebook.compare_tally import Cohort
from cds_service.rulebook.edition import NoEdition, edition_of
from cds_service.rulebook.files import write_whole
from cds_service.rulebook.reader import read_definition_file, read_rule_file
from cds_service.rulebook.release import Loaded, definition_path, load_release, rule_path, unknown_release

FINE, FINDINGS, USAGE = 0, 1, 2


Over = Callable[[Callable[[], Two]], Cohort | None]  # puts both sides before a cohort, None without one


class NoComparison(ValueError):
    """What was named cannot be compared; the text says what was found and what is wanted."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A comparison in every form. page: made when asked for."""

    text: list[str]
    data: dict[str, Any]
    page: str
    enough: bool
    left_out: bool = False


def diff_command(args: argparse.Namespace) -> int:
    """Compare two versions or two releases.

    args: before, after ("rule@version", "definition@version" or names of releases, both of one sort), folder, format
    ("text", "json"), html (file to write or None), cohort (folder or None), today (date);
    compare, which puts both sides before a cohort: sides, folder, today -> Cohort (population.compare). Raises OSError,
    and NoComparison without a cohort.
    """
    folder = Path(args.folder)
    try:
        for each in (args.before, args.after):
            name, at, version = each.partition("@")
            if at and not (name and version):
                told = f"no {'version' if name else 'rule'}; write it as {name or 'rule'}@1.1.0"
                raise NoComparison(f"'{each}' names {told}")
        if ("@" in args.before) != ("@" in args.after):
            raise NoComparison("name two versions, as rule@1.0.0 rule@1.1.0, or two releases")
        is_version, is_definition = "@" in args.before, _is_definition(folder, args.before)
        compare = _definitions if is_definition else _versions if is_version else _releases
        answer = compare(folder, args.before, args.after, _over(args))
        if args.html:
            write_whole(Path(args.html), answer.page)
    except (NoEdition, NoComparison) as problem:
        print(f"rules diff: {problem}", file=sys.stderr)
        return USAGE
    except OSError as fault:
        print(f"rules diff: {fault.filename}: {fault.strerror}", file=sys.stderr)
        return USAGE
    if args.format == "json":
        print(json.dumps(answer.data, indent=2, ensure_ascii=False))
    else:
        print(f"rules: {folder}")
        print("\n".join(answer.text))
        if args.html:
            print(f"written: {args.html}")
    return FINE if answer.enough and not answer.left_out else FINDINGS


def _versions(folder: Path, before: str, after: str, over: Over) -> _Answer:
    load = cache(load_release)
    editions = (what_is_read(edition_of(folder, before, load)), what_is_read(edition_of(folder, after, load)))
    old, new = (each.rule for each in editions)
    if old.id != new.id:
        raise NoComparison(f"{before} and {after} are different rules; wanted two versions of one")
    files = [read_rule_file(rule_path(folder, each.id, each.version)) for each in (old, new)]
    found = difference(files[0], files[1], pin_changes(*editions))
    release = _sound(load(folder, None)).release
    assert release is not None
    cohort = over(partial(two_editions, release, *editions))
    return _Answer(
        list(difference_text(found, cohort)),
        difference_json(found, cohort),
        difference_page(found, flows(editions, release), cohort),
        found.enough,
        bool(cohort and cohort.left_out),
    )


def _is_definition(folder: Path, name: str) -> bool:
    return "@" in name and (folder / "definitions" / name.partition("@")[0]).is_dir()


def _definitions(folder: Path, before: str, after: str, over: Over) -> _Answer:
    if over is not nobody:
        raise NoComparison("a definition alone shows no card; compare rules or releases on a cohort")
    files = []
    for name in (before, after):
        definition, _, version = name.partition("@")
        path = definition_path(folder, definition, version)
        if not path.is_file():
            there = ", ".join(sorted((each.stem for each in path.parent.glob("*.yaml")), key=version_order))
            raise NoComparison(f"{definition} has no version {version}; there are {there or 'none'}")
        files.append(read_definition_file(path))
    if files[0].draft.id != files[1].draft.id:
        raise NoComparison(f"{before} and {after} are different definitions; wanted two versions of one")
    errors = [str(problem) for file in files for problem in file.problems]
    if errors:
        raise NoComparison("\n".join(errors))
    found = difference(files[0], files[1])
    return _Answer(list(difference_text(found)), difference_json(found), difference_page(found), found.enough)


def _releases(folder: Path, before: str, after: str, over: Over) -> _Answer:
    sides = [loaded_release(folder, each) for each in (before, after)]
    found = release_difference(sides[0], sides[1])
    releases = [each.release for each in sides if each.release]
    cohort = over(partial(two_releases, *releases))
    return _Answer(
        list(release_text(found, cohort)),
        release_json(found, cohort),
        release_page(found, cohort),
        found.enough,
        bool(cohort and cohort.left_out),
    )


def loaded_release(folder: Path, name: str) -> Loaded:
    """Read a release by its name. Raises NoComparison with the nearest name, or with what is wrong in its files."""
    unknown = unknown_release(folder, name)
    if unknown:
        raise NoComparison(unknown)
    return _sound(load_release(folder, name))


def _sound(loaded: Loaded) -> Loaded:
    if loaded.release is None:
        errors = [str(each) for each in loaded.problems if each.severity == "error"]
        raise NoComparison("\n".join([f"release {loaded.file.id} has errors", *errors]))
    return loaded


def nobody(_: Callable[[], Two]) -> None:
    """Compare on nobody: there is no cohort."""


def _over(args: argparse.Namespace) -> Over:
    if not args.cohort:
        return nobody

    def over(sides: Callable[[], Two]) -> Cohort:
        found: Cohort = args.compare(sides, Path(args.cohort), args.today)
        return found

    return over
