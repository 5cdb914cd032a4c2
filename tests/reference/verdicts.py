"""What tests of rows say, joined; and rows put beside each other."""

from collections.abc import Mapping
from dataclasses import replace

from cds_service.core.dates import NO, UNKNOWN, YES, Span, Verdict, all_of, any_of
from tests.reference import days
from tests.reference.item import NO_DOUBTS, Item, Tested

PASSED = Tested(YES)
FAILED = Tested(NO)


def doubt(kind: str, item: Item) -> Tested:
    """UNKNOWN, for this reason."""
    return Tested(UNKNOWN, frozenset({(kind, item.about)}))


def timed(verdict: Verdict, item: Item) -> Tested:
    """Give a verdict about days, with why it is UNKNOWN."""
    return Tested(verdict, days.time_doubts(item) if verdict is UNKNOWN else NO_DOUBTS)


def join(tests: list[Tested]) -> Tested:
    """AND of tests; the doubts are those of all that are UNKNOWN."""
    verdict = all_of(each.verdict for each in tests)
    return Tested(verdict, frozenset().union(*(each.doubts for each in tests)) if verdict is UNKNOWN else NO_DOUBTS)


def join_any(tests: list[Tested]) -> Tested:
    """OR of tests; the doubts are those of all that are UNKNOWN."""
    verdict = any_of(each.verdict for each in tests)
    return Tested(verdict, frozenset().union(*(each.doubts for each in tests)) if verdict is UNKNOWN else NO_DOUBTS)


def listed(item: Item, word: str | None, words) -> Tested:
    """Say whether a status word is one of those listed; absent or `unknown` cannot be told."""
    if word is None or word == "unknown":
        return doubt("status-missing", item)
    return PASSED if word in words else FAILED


def with_children(codes: tuple[str, ...], children: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Give the listed codes and what stands below them in FHIR's code list."""
    return frozenset(codes).union(*(children.get(each, frozenset()) for each in codes))


def runs_on(fact: str, row) -> bool:
    """Say whether the record leaves a row open: `taking` or `paused` without an end."""
    return fact == "medication-use" and row.status in days.OPEN and row.end is None


def once(rows) -> tuple[Item, ...]:
    """Give each row once for each way its days were reckoned: the sure one wins, else the doubts are those of all.

    A row that two criteria found with different `covers` holds if one of its two stretches does.
    """
    found: dict[tuple, Item] = {}
    for each in rows:
        key = (each.identity, each.covers, each.stale, each.settled, each.frozen)
        known = found.get(key)
        if known is None or (known.verdict is not YES and each.verdict is YES):
            found[key] = each
        elif known.verdict is not YES:
            found[key] = replace(known, doubts=known.doubts | each.doubts)
    return tuple(found.values())


def identities(rows) -> set[tuple[str, str]]:
    """Give the rows behind the items."""
    return {each.identity for each in rows}


def days_of(item: Item, today: int) -> tuple[int, int, int, int]:
    """Give first and last possible start, first and last possible end."""
    tries = list(days.pairs(item, today, ()))
    return (min(start for start, _ in tries), max(start for start, _ in tries),
            min(end for _, end in tries), max(end for _, end in tries))  # fmt: skip


def surely_later(one: Item, other: Item) -> bool:
    """Say whether one row starts after the other for certain: on a later day, or later on the same day."""
    if one.start.first > other.start.last:
        return True
    return _same_day(one, other) and one.start.instant > other.start.instant


def _same_day(one: Item, other: Item) -> bool:
    """Whether both rows start on one and the same day and give a clock time."""
    return (one.start.exact and one.start == replace_instant(other.start, one.start)
            and one.start.instant is not None and other.start.instant is not None)  # fmt: skip


def replace_instant(span: Span, like: Span) -> Span:
    """Give a span's days with the rest of another, to compare days alone."""
    return replace(like, first=span.first, last=span.last)
