"""`cds-service rules release new|promote|back|status|lock|changelog`: from a finished version to what is served.

Every file is written whole or not at all. Exit codes: 0 done, 1 lint, tests or a review found something, 2 it cannot
be done as asked; then nothing was written.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from cds_service.core.value_set import Table
from cds_service.rulebook.change import version_order
from cds_service.rulebook.changelog import changelog
from cds_service.rulebook.commands import last_line
from cds_service.rulebook.compare_release import ReleaseDifference, release_difference
from cds_service.rulebook.compare_report import release_json, release_text, wrapped
from cds_service.rulebook.diff_command import NoComparison, loaded_release
from cds_service.rulebook.files import alone, write_whole
from cds_service.rulebook.lint import NOT_REVIEWED, drafts_of, report_of
from cds_service.rulebook.lint_codes import ERROR
from cds_service.rulebook.release import known_releases, load_release, subjects_of
from cds_service.rulebook.release_edit import OFF, NoEdit, pinned, promoted, renamed
from cds_service.rulebook.release_file import RELEASE_FILE, SET_VERSION, ReleaseFile, read_release_file
from cds_service.rulebook.release_lock import read_lock, write_lock
from cds_service.rulebook.release_pins import Missing, missing_pins
from cds_service.rulebook.release_status import status_json, status_of, status_text
from cds_service.rulebook.rule_report import tested_of
from cds_service.rulebook.rule_tests import run_cases
from cds_service.rulebook.site_file import SiteFile, read_site
from cds_service.rulebook.source import nearest

FINE, FINDINGS, USAGE = 0, 1, 2
_WRITING = frozenset({"new", "promote", "back", "lock"})
MAKE_NEW = "make a new one first: cds-service rules release new NAME"


def release_command(args: argparse.Namespace) -> int:
    """Run one of the commands.

    args: action, folder, today (date), site (file that the release must fit, or None), and what the action takes; of
    `lock`, watched (passes the files on and shows how far it is; none if left out); of `status`, seen: the day of the
    first decision in the records by (rule, version), empty when nobody looked.
    """
    run = {
        "new": _new, "promote": _promote, "back": _back, "status": _status, "lock": _lock, "changelog": _changelog,
    }  # fmt: skip
    folder = Path(args.folder)
    try:
        if not folder.is_dir():
            raise NoEdit(f"{folder}: is no folder")
        if getattr(args, "format", "text") == "text":
            print(f"rules: {folder}")
        # Two who promote at once must not lose the edit of one.
        with alone(folder) if args.action in _WRITING else nullcontext():
            return run[args.action](folder, args)
    except (NoEdit, NoComparison) as problem:
        print(f"rules release {args.action}: {problem}", file=sys.stderr)
    except OSError as fault:
        if fault.filename is None:  # of standard output, not of a file
            raise
        print(f"rules release {args.action}: {fault.filename}: {fault.strerror}", file=sys.stderr)
    return USAGE


# --- new, promote, back ----------------------------------------------------------------------------------------------


def _new(folder: Path, args: argparse.Namespace) -> int:
    current, name = _current(folder), args.name
    if not re.fullmatch(SET_VERSION.pattern, name):
        raise NoEdit(f"'{name}' is no name of a release; wanted three numbers such as 2026.12.0")
    if name in known_releases(folder) or name in _locked(folder):
        raise NoEdit(f"there is a release {name} already; {_next(folder)}")
    if version_order(name) <= version_order(current.id):
        raise NoEdit(f"{name} does not come after {current.id}, which is current; {_next(folder)}")
    text = renamed(_text(folder / RELEASE_FILE), name, str(folder / RELEASE_FILE))
    _keep(folder, current)
    write_whole(folder / RELEASE_FILE, text)
    if current.id not in _locked(folder):
        print(f"{current.id} was never locked; it is kept as it stands")
    print(f"kept:    {folder / 'releases' / f'{current.id}.yaml'}")
    print(f"written: {folder / RELEASE_FILE}, release {name}")
    print("next:    cds-service rules release promote RULE@VERSION active|trial|off")
    return FINE


def _promote(folder: Path, args: argparse.Namespace) -> int:
    current = _current(folder)
    if current.id in _locked(folder):
        raise NoEdit(f"release {current.id} is locked; {MAKE_NEW}")
    rule, _, version = args.rule.partition("@")
    if not (rule and version):
        told = f"no version; write it as {rule}@1.1.0" if rule else "no rule; write it as rule@1.1.0"
        raise NoEdit(f"'{args.rule}' names {told}")
    path = folder / RELEASE_FILE
    before = _text(path)
    missing = Missing() if args.run_as == OFF else missing_pins(folder, current, rule, version)
    text = promoted(before, rule, version, args.run_as, str(path))
    for section, pins in (("definitions", missing.definitions), ("value_sets", missing.value_sets)):
        for name, pin in pins:
            text = pinned(text, section, name, pin, str(path))
    write_whole(path, text)
    old, new = before.splitlines(), text.splitlines()
    edits = [f"- {line.strip()}" for line in old if line not in new]
    edits += [f"+ {line.strip()}" for line in new if line not in old]
    for line in edits:
        print("\n".join(wrapped(line)))
    for kind, pins in (("definitions", missing.definitions), ("value sets", missing.value_sets)):
        if pins:
            names = ", ".join(f"{name} {pin}" for name, pin in pins)
            print("\n".join(wrapped(f"pinned, because {rule} {version} reads them: {kind} {names}")))
    print("next: cds-service rules release lock")
    return FINE


def _back(folder: Path, args: argparse.Namespace) -> int:
    current, name = _current(folder), args.name
    known = [each for each in known_releases(folder) if each != current.id]
    if name not in known:
        near = nearest(name, known)
        raise NoEdit(f"no older release '{name}'; {near or 'there are ' + (', '.join(known) or 'none')}")
    loaded = load_release(folder, name)
    files = {*map(str, loaded.paths.values()), args.site}
    told = report_of(loaded, folder, args.today, _site(args)).problems
    found = [each for each in told if each.severity == ERROR and each.file in files]
    if found:
        print("\n".join(map(str, found)))
        print(f"not written: a service would not take {name}, because lint finds errors in it")
        return FINDINGS
    _keep(folder, current)
    write_whole(folder / RELEASE_FILE, _text(folder / "releases" / f"{name}.yaml"))
    print(f"kept:    {folder / 'releases' / f'{current.id}.yaml'}")
    print(f"written: {folder / RELEASE_FILE}, release {name}")
    if name in _locked(folder):
        print("it is in the lock: a running service takes it over within seconds")
    else:
        print("it is not in the lock yet; next: cds-service rules release lock")
    return FINE


def _site(args: argparse.Namespace) -> SiteFile | None:
    return read_site(Path(args.site)) if args.site else None


def _current(folder: Path) -> ReleaseFile:
    file = read_release_file(folder / RELEASE_FILE)
    if file.problems or not file.id:
        raise NoEdit("\n".join(map(str, file.problems)) or f"{folder / RELEASE_FILE}:1:1: has no name")
    return file


def _locked(folder: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        return read_lock(folder)
    except ValueError as fault:
        raise NoEdit(str(fault)) from None


def _keep(folder: Path, current: ReleaseFile) -> None:
    """Put the current release among the older ones. One that stands there already must be the same."""
    text, kept = _text(folder / RELEASE_FILE), folder / "releases" / f"{current.id}.yaml"
    if kept.exists():
        if _text(kept) != text:
            raise NoEdit(f"{kept} is another release of the same name; rename one of them")
        return
    kept.parent.mkdir(exist_ok=True)
    write_whole(kept, text)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise NoEdit(f"{path}:1:1: is not UTF-8 text") from None


def _next(folder: Path) -> str:
    major, minor, patch = version_order(known_releases(folder)[-1])
    return f"the next could be {major}.{minor}.{patch + 1}"


# --- lock, status, changelog -----------------------------------------------------------------------------------------


def _lock(folder: Path, args: argparse.Namespace) -> int:
    loaded = load_release(folder)
    report = report_of(loaded, folder, args.today, _site(args))
    errors = [each for each in report.problems if each.severity == ERROR]
    for each in report.problems:
        if each.code != NOT_REVIEWED:
            print(each)
    print(last_line(report))
    if errors:
        print("not locked: lint found errors")
        return FINDINGS
    failures = passing = 0
    tables: dict[int, Table] = {}
    subjects = subjects_of(loaded, folder)
    watched = getattr(args, "watched", None)
    for subject in watched("tests", subjects) if watched else subjects:
        table = tables.setdefault(id(subject.shelf), Table(subject.shelf.value_sets.values()))
        ran = run_cases(tested_of(subject), subject.cases, table)
        passing += len(ran.passing)
        failures += len(ran.failures)
        for failure in ran.failures:
            print(f"{subject.source.file}:{failure.case.line}: {failure}")
    print(f"tests passed: {passing} of {passing + failures}")
    if failures:
        print("not locked: tests fail")
        return FINDINGS
    again = loaded.file.id in _locked(folder)
    path = write_lock(folder, loaded.file.id, loaded.paths)
    print(f"{'locked already' if again else 'locked'}: {path}, release {loaded.file.id}")
    return FINE


def _status(folder: Path, args: argparse.Namespace) -> int:
    current, loaded = _current(folder), load_release(folder)
    others = [each for each in known_releases(folder) if each != current.id]
    earlier = [each for each in others if version_order(each) < version_order(current.id)]
    older = [read_release_file(folder / "releases" / f"{each}.yaml") for each in earlier]
    drafts, _ = drafts_of(folder, loaded)
    names = sorted(f"{each.draft.id} {each.draft.version}" for each in drafts)
    status = status_of(
        current, older, loaded.rules, others, names, current.id in _locked(folder), args.today, args.seen
    )
    if args.format == "json":
        print(json.dumps(status_json(status), indent=2, ensure_ascii=False))
    else:
        print("\n".join(status_text(status)))
    return FINDINGS if status.overdue else FINE


def _changelog(folder: Path, args: argparse.Namespace) -> int:
    known, after = known_releases(folder), args.to or _current(folder).id
    earlier = [each for each in known if version_order(each) < version_order(after)]
    before = args.since or (earlier[-1] if earlier else "")
    if not before:
        raise NoEdit(f"{after} is the first release of {folder}; name another with --since")
    found: ReleaseDifference = release_difference(loaded_release(folder, before), loaded_release(folder, after))
    if args.format == "json":
        print(json.dumps(release_json(found), indent=2, ensure_ascii=False))
    elif args.format == "markdown":
        print(changelog(found), end="")
    else:
        print("\n".join(release_text(found)))
    return FINE
