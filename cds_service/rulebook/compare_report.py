"""A comparison as text of at most 100 columns and as JSON: what changed, the least version, whose cards change."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cds_service.core.plural import so_many
from cds_service.rulebook.change import NONE, PATCH, Change, least_version
from cds_service.rulebook.compare_people import BASIS, TURNS
from cds_service.rulebook.compare_release import Difference, ReleaseDifference
from cds_service.rulebook.compare_tally import NEWLY_UNKNOWN, NO_LONGER_UNKNOWN, Cohort, LeftOut, Tally, most_often

WIDTH = 100
_REASONS_TOLD = 5
_SORTS = (*TURNS, NEWLY_UNKNOWN, NO_LONGER_UNKNOWN)

Json = dict[str, Any]


def wrapped(text: str, indent: int = 0, hang: int = 2) -> list[str]:
    """Break a line at WIDTH; what follows the first stands `hang` deeper."""
    first, rest = " " * indent, " " * (indent + hang)
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=True
    )


# --- text ------------------------------------------------------------------------------------------------------------


def difference_text(found: Difference, cohort: Cohort | None = None) -> Iterator[str]:
    """Tell the difference of two versions of one rule, and what it does to a cohort."""
    yield f"{found.id} {found.before} -> {found.after}"
    yield ""
    yield from change_lines(found.changes)
    yield ""
    yield from wrapped(verdict(found))
    if cohort is not None:
        yield ""
        yield from cohort_text(cohort)


def change_lines(found: Sequence[Change], indent: int = 0, patches: bool = True) -> Iterator[str]:
    """Tell changes, one a line, each with its step, under the part of the file. patches: False only counts those."""
    part = ""
    for each in found:
        if each.step == PATCH and not patches:
            continue
        if each.part != part:
            part = each.part
            yield f"{' ' * indent}{part}"
        yield from wrapped(f"{each.step:<5}  {change_words(each)}", indent + 2, 7)
    small = sum(each.step == PATCH for each in found)
    if small and not patches:
        yield f"{' ' * indent}and {so_many(small, 'change')} of words, evidence or tests"
    if not found:
        yield f"{' ' * indent}nothing changed"


def change_words(each: Change) -> str:
    """Name what changed and say how."""
    return f"{each.name}: {each.text}" if each.name else each.text


def verdict(found: Difference) -> str:
    """Say which step the changes ask for, because of what, and whether the version takes it."""
    if found.needed == NONE:
        return "least step: none; nothing that has a version changed"
    because = dict.fromkeys(each.part for each in found.changes if each.step == found.needed)
    said = f"least step: {found.needed}, because of {', '.join(because)}; "
    if found.enough:
        return f"{said}{found.before} -> {found.after} is {found.taken}: enough"
    taken = f"only {found.taken}" if found.taken != NONE else "none"
    return f"{said}{found.before} -> {found.after} is {taken}: make it {least_version(found.before, found.needed)}"


def cohort_text(cohort: Cohort) -> Iterator[str]:
    """Tell what became of a cohort's cards, rule by rule; of a rule that says the same, one line."""
    yield f"on {so_many(cohort.people, 'person', 'people')}, as of {cohort.today.isoformat()}"
    tallies = cohort.tallies.values()
    for each in tallies:
        if each.differs:
            yield from _tally_text(each)
    same = [
        f"{each.rule} ({so_many(each.after, 'card')})" if each.after else each.rule
        for each in tallies
        if not each.differs
    ]
    if same:
        yield from wrapped(f"no difference: {', '.join(same)}", 2)
    for why, times in sorted(cohort.skipped.items()):
        yield from wrapped(f"not judged: {so_many(times, 'time')}, {why}", 2)
    for found in cohort.left_out:
        yield from wrapped(left_out_words(found), 2)


def left_out_words(found: LeftOut) -> str:
    """Say how many lines of the cohort could not be used and why, and where the first ones stand."""
    lines = f"{so_many(found.lines, 'line that', 'lines, each of which')} {found.why}"
    more = ", ..." if found.lines > len(found.first) else ""
    return f"left out: {lines}: {', '.join(found.first)}{more}"


def _tally_text(tally: Tally) -> Iterator[str]:
    yield f"  {tally.rule}: cards {tally.before:,} -> {tally.after:,}{_unknown_words(tally)}"
    for sort in _SORTS:
        number = tally.sorts[sort] if sort in TURNS else tally.unknown[sort]
        if number:
            yield from wrapped(f"{sort:<18}{number:>7,}  such as {', '.join(tally.examples[sort])}", 4, 27)
            for why, times in most_often(tally.reasons[sort], _REASONS_TOLD):
                yield from wrapped(f"{times:>7,}  {why}", 22, 9)
    told = [f"{part} {times:,}" for part, times in most_often(tally.parts) if part != BASIS]
    if told:
        yield from wrapped(f"of changed cards: {', '.join(told)}", 4)
    for (was, now), times in most_often(tally.variants, _REASONS_TOLD):
        yield from wrapped(f"{times:>7,}  {was} becomes {now}", 22, 9)


def _unknown_words(tally: Tally) -> str:
    said = ""
    if tally.unknown["before"] or tally.unknown["after"]:
        said += f"; unknown {tally.unknown['before']:,} -> {tally.unknown['after']:,}"
    if tally.failed["before"] or tally.failed["after"]:
        said += f"; FAILED {tally.failed['before']:,} -> {tally.failed['after']:,}"
    return said


def release_text(found: ReleaseDifference, cohort: Cohort | None = None) -> Iterator[str]:
    """Tell the difference of two releases; changes of words, evidence and tests are counted only."""
    yield f"release {found.before} -> {found.after}"
    if found.gate:
        yield from ("", *wrapped(f"never_when {found.gate}"))
    for heading, some in (("rules", found.rules), ("on trial", found.trials), ("definitions", found.definitions)):
        if some:
            yield from ("", heading)
        for each in some:
            yield from _versions_text(each)
    if found.order:
        yield from ("", "rules stand in another order; it breaks ties")
    if found.value_sets:
        yield from ("", "value sets", *_value_set_lines(found.value_sets))
    if not (found.rules or found.trials or found.definitions or found.value_sets or found.gate or found.order):
        yield "  nothing changed"
    if cohort is not None:
        yield ""
        yield from cohort_text(cohort)


def _versions_text(each: Difference) -> Iterator[str]:
    if not each.before:
        yield from wrapped(f"{each.id} {each.after} is new: {each.title}", 2)
    elif not each.after:
        yield from wrapped(f"{each.id} {each.before} is gone: {each.title}", 2)
    else:
        yield f"  {each.id} {each.before} -> {each.after}"
        yield from change_lines(each.changes, 4, patches=False)
        yield from wrapped(verdict(each), 4)


def _value_set_lines(sets: Mapping[str, tuple[str, str, str]]) -> Iterator[str]:
    came, gone = ([name for name, each in sets.items() if not each[side]] for side in (0, 1))
    for word, names in (("new", came), ("gone", gone)):
        if names:
            yield from wrapped(f"{len(names)} {word}: {', '.join(names)}", 2)
    for name, (was, now, how) in sets.items():
        if was and now:
            yield from wrapped(f"{name} {was} -> {now}: {how}", 2)


# --- JSON ------------------------------------------------------------------------------------------------------------


def difference_json(found: Difference, cohort: Cohort | None = None) -> Json:
    """Give the difference of two versions as JSON."""
    body: Json = {
        "id": found.id,
        "title": found.title,
        "before": found.before or None,
        "after": found.after or None,
        "changes": [
            {"step": each.step, "part": each.part, "name": each.name, "text": each.text} for each in found.changes
        ],
    }
    if found.before and found.after:
        body |= {
            "leastStep": found.needed,
            "leastVersion": least_version(found.before, found.needed),
            "step": found.taken,
            "enough": found.enough,
        }
    return {**body, "cohort": cohort_json(cohort)} if cohort else body


def release_json(found: ReleaseDifference, cohort: Cohort | None = None) -> Json:
    """Give the difference of two releases as JSON."""
    body: Json = {
        "before": found.before,
        "after": found.after,
        "enough": found.enough,
        "neverWhen": found.gate,
        "otherOrder": found.order,
        "rules": [difference_json(each) for each in found.rules],
        "trials": [difference_json(each) for each in found.trials],
        "definitions": [difference_json(each) for each in found.definitions],
        "valueSets": [
            {"id": name, "before": was or None, "after": now or None, "text": how}
            for name, (was, now, how) in found.value_sets.items()
        ],
    }
    return {**body, "cohort": cohort_json(cohort)} if cohort else body


def cohort_json(cohort: Cohort) -> Json:
    """Give the counts over a cohort as JSON."""
    return {
        "people": cohort.people,
        "today": cohort.today.isoformat(),
        "notJudged": dict(sorted(cohort.skipped.items())),
        "leftOut": [{"why": each.why, "lines": each.lines, "first": list(each.first)} for each in cohort.left_out],
        "rules": [_tally_json(each) for each in cohort.tallies.values()],
    }


def _tally_json(tally: Tally) -> Json:
    return {
        "id": tally.rule,
        "calls": tally.calls,
        "cards": {"before": tally.before, "after": tally.after},
        **{sort: tally.sorts[sort] for sort in TURNS},
        "unknown": {
            "before": tally.unknown["before"],
            "after": tally.unknown["after"],
            "newly": tally.unknown[NEWLY_UNKNOWN],
            "noLonger": tally.unknown[NO_LONGER_UNKNOWN],
        },
        "failed": {"before": tally.failed["before"], "after": tally.failed["after"]},
        "changedParts": dict(most_often(tally.parts)),
        "changedVariants": _pairs(most_often(tally.variants)),
        "flipped": {sort: dict(most_often(why)) for sort, why in tally.reasons.items()},
        "examples": {sort: list(people) for sort, people in tally.examples.items()},
    }


def _pairs(variants: Iterable[tuple[tuple[str, str], int]]) -> list[Json]:
    return [{"before": was, "after": now, "times": times} for (was, now), times in variants]
