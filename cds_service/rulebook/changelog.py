"""The changelog of a rule release: what changed since another one, as Markdown for people. JSON is that of the diff."""

import re
from collections.abc import Iterator, Sequence

from cds_service.core.plural import so_many
from cds_service.rulebook.change import PATCH
from cds_service.rulebook.compare_release import Difference, ReleaseDifference
from cds_service.rulebook.compare_report import change_words

_SPECIAL = re.compile(r"([\\`*\[\]<>])")


def changelog(found: ReleaseDifference) -> str:
    """Give the changelog as Markdown. Changes of words, evidence and tests are counted, unless there are no others."""
    lines = [f"## Rules {found.after}", "", f"Since {found.before}.", ""]
    new = [each for each in found.rules if not each.before]
    gone = [each for each in found.rules if not each.after]
    changed = [each for each in found.rules if each.before and each.after]
    for heading, parts in (
        ("New rules", _named(new)),
        ("Changed rules", _changed(changed)),
        ("Rules that no longer run", _named(gone)),
        ("On trial", _trials(found.trials)),
        ("Definitions", [*_named([each for each in found.definitions if not (each.before and each.after)]),
                         *_changed([each for each in found.definitions if each.before and each.after])]),
        ("Value sets", _value_sets(found)),
        ("For every rule", _for_all(found)),
    ):  # fmt: skip
        told = list(parts)
        if told:
            lines += [f"### {heading}", "", *told, ""]
    if len(lines) == 4:
        lines += ["Nothing changed.", ""]
    return "\n".join(lines)


def _named(some: Sequence[Difference]) -> Iterator[str]:
    for each in some:
        yield f"- `{each.id}` {each.after or each.before}: {_escaped(each.title)}"


def _changed(some: Sequence[Difference]) -> Iterator[str]:
    for each in some:
        yield f"- `{each.id}` {each.before} → {each.after} ({each.needed})"
        told = [one for one in each.changes if one.step != PATCH] or list(each.changes)
        for one in told:
            yield f"  - {one.part}: {_escaped(change_words(one))}"
        left = len(each.changes) - len(told)
        if left:
            yield f"  - and {so_many(left, 'change')} of words, evidence or tests"


def _trials(some: Sequence[Difference]) -> Iterator[str]:
    for each in some:
        word = "begins" if not each.before else "ends" if not each.after else f"takes the place of {each.before}"
        yield f"- `{each.id}` {each.after or each.before} {word}"


def _value_sets(found: ReleaseDifference) -> Iterator[str]:
    for heading, side in (("new", 0), ("gone", 1)):
        names = [f"`{name}`" for name, each in found.value_sets.items() if not each[side]]
        if names:
            yield f"- {heading}: {', '.join(names)}"
    for name, (was, now, how) in found.value_sets.items():
        if was and now:
            yield f"- `{name}` {was} → {now}: {how}"


def _for_all(found: ReleaseDifference) -> Iterator[str]:
    if found.gate:
        yield f"- `never_when` {found.gate}"
    if found.order:
        yield "- rules stand in another order; it breaks ties"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
