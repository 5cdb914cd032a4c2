"""Checks between files: rules in a circle, topics, disjoint value sets, and files changed after their release."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cds_service.core.value_set import ValueSet, overlap
from cds_service.rulebook.reader import RuleFile
from cds_service.rulebook.release_lock import LOCK_FILE, changed_files
from cds_service.rulebook.source import Mark, RuleProblem, Source, nearest


def loops(rules: Mapping[str, RuleFile]) -> Iterator[RuleProblem]:
    """rule-loop: yields in a circle, or merges in a circle; each circle is told once."""
    for key in ("yields_to", "merges_into"):
        told: set[frozenset[str]] = set()
        others = {name: getattr(file.draft, key) for name, file in rules.items()}
        for name, file in rules.items():
            circle = _circle(name, others)
            if circle and frozenset(circle) not in told:
                told.add(frozenset(circle))
                where = (key, others[name].index(circle[1]))
                text = f"the rules go in a circle: {' -> '.join(circle)}"
                yield file.source.problem("rule-loop", where, text)


def _circle(start: str, others: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Give a way from a rule back to itself, both ends included; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for name in others.get(way[-1], ()):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def topics(rules: Mapping[str, RuleFile]) -> Iterator[RuleProblem]:
    """duplicate-topic: topic codes are the letters and digits of the id, so hyphens do not tell two rules apart."""
    first: dict[str, str] = {}
    for name, file in rules.items():
        topic = name.replace("-", "")
        if topic in first:
            text = f"'{name}' and '{first[topic]}' have the same topic code"
            yield file.source.problem("duplicate-topic", ("id",), text, "choose an id with other letters")
        first.setdefault(topic, name)


def sets(value_sets: Mapping[str, ValueSet], paths: Mapping[str, Path]) -> Iterator[RuleProblem]:
    """sets-overlap, and unknown-value-set for a set declared disjoint from one that does not exist."""
    for name, value_set in value_sets.items():
        for other in value_set.disjoint_from:
            if other in value_sets:
                shared = sorted(each.code for each in overlap(value_set, value_sets[other]))
                if shared:
                    listed = ", ".join(shared[:5]) + (" and more" if len(shared) > 5 else "")
                    text = f"'{name}' and '{other}' are declared disjoint but share {listed}"
                    yield _at_name("sets-overlap", paths[name], other, text)
            elif other not in paths:  # else it could not be read, which is told
                hint = nearest(other, value_sets)
                yield _at_name("unknown-value-set", paths[name], other, f"no value set '{other}' in the release", hint)


def _at_name(code: str, path: Path, name: str, text: str, hint: str = "") -> RuleProblem:
    source = _text_source(path)
    return source.problem(code, _mark(source, f'"{name}"'), text, hint)


def _text_source(path: Path) -> Source:
    lines = tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()) if path.is_file() else ()
    return Source(str(path), lines, None)


def _mark(source: Source, text: str) -> Mark:
    for number, line in enumerate(source.lines, 1):
        if text in line:
            return Mark(number, line.index(text) + 1)
    return Mark(1, 1)


def locked(folder: Path, release: str) -> Iterator[RuleProblem]:
    """changed-after-release: the sha256 of a file differs from the lock, or the file is gone."""
    try:
        changed = changed_files(folder, release)
    except ValueError as error:
        yield _text_source(folder / LOCK_FILE).problem("bad-yaml", Mark(1, 1), str(error))
        return
    for name, since in changed:
        path = folder / name
        what = "differs from" if path.is_file() else "is gone since"
        text = f"the file {what} release {since}"
        hint = "put it back, and write the change as a new version"
        yield _text_source(path).problem("changed-after-release", Mark(1, 1), text, hint)
