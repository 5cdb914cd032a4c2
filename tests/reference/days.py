"""Time, by trying days: every day a row can have started with every day it can have ended.

A long span is tried only at its ends and near the days where an answer can change.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from cds_service.core.dates import BEGINNING, FOREVER, NO, UNKNOWN, YES, Duration, Verdict
from cds_service.core.decision import NOT_READ
from cds_service.core.facts import FACTS
from tests.reference.item import Doubts, Item

LAST_DATE = date(9990, 1, 1).toordinal()  # near and beyond the calendar's end there is nothing to try
OPEN = ("taking", "paused")
OVER = ("past", "stopped")


def over_all(answers: Iterable[bool]) -> Verdict:
    """All true YES, none true NO, else UNKNOWN."""
    seen = set(answers)
    return YES if seen == {True} else NO if seen == {False} else UNKNOWN


def some_days(first: int, last: int, near: Iterable[int]) -> Iterable[int]:
    """Give every day from first to last, or of a long span its ends and the days near the given ones."""
    if last - first <= 40:
        return range(first, last + 1)
    days = {first, last}
    for day in near:
        if not LAST_DATE > day > BEGINNING:
            continue
        days.update(each for each in range(day - 4, day + 5) if first <= each <= last)
    return sorted(days)


def possible_ends(item: Item, start: int, today: int) -> list[tuple[int, int]]:
    """Give the days on which a row that started on `start` can have ended, as first and last of each possibility.

    A status that is absent may be any status word of the fact.
    """
    row = item.row
    if item.settled:
        if item.settled.same_day:
            return [(start, start)]
        return [(item.settled.end_first, item.settled.end_last)]
    if row is None or not row.readable:
        return [(BEGINNING, FOREVER)]
    statuses = (row.status,) if row.status else FACTS[item.fact].statuses or ("",)
    found = []
    for status in statuses:
        first, last = _recorded_end(item, status, start, today)
        if item.covers and (item.fact == "Procedure" or status == "given"):
            first, last = max(first, item.covers.after(start)), max(last, item.covers.after(start))
        found.append((first, last))
    return found


def _recorded_end(item: Item, status: str, start: int, today: int) -> tuple[int, int]:
    row = item.row
    if item.fact == "draft-order":
        return today, today
    if item.fact in ("Condition", "AllergyIntolerance"):
        return start, start
    if row.end is not None:
        return row.end.first, row.end.last
    if item.fact == "medication-use" and status == "taking" and row.start is None:
        return FOREVER, FOREVER  # the list says so today, whatever stale_after says
    if item.fact == "medication-use" and status in OPEN:
        stated = start if row.listed_on is None or row.listed_on < start else row.listed_on
        return (item.stale.after(stated) if item.stale else FOREVER), FOREVER
    if item.fact == "medication-use" and status in OVER:
        last = today - 1
        if item.stale:
            last = min(last, item.stale.after(start))
        if row.over_by is not None:
            last = min(last, row.over_by)
        return start, max(start, last)
    if item.fact == "Procedure" and status == "in-progress":
        return FOREVER, FOREVER
    if item.fact in ("Encounter", "this-encounter"):
        return max(start, today), max(start, today)
    return start, start


def pairs(item: Item, today: int, lengths: Iterable[Duration], near: Iterable[int] = ()) -> Iterator[tuple[int, int]]:
    """Give the (start, end) days a row can have. `near`: days at which the test asked changes its mind."""
    durations = [*lengths, *(each for each in (item.stale, item.covers) if each)]
    marks = {today, today - 1, today + 1, *near}
    if item.row is not None:
        for span in (item.row.start, item.row.end):
            if span is not None:
                marks |= {span.first, span.last}
        if item.row.over_by is not None:
            marks.add(item.row.over_by)
        if item.row.listed_on is not None:
            marks |= {item.row.listed_on, *(each.after(item.row.listed_on) for each in durations)}
    if item.settled:
        marks |= {item.settled.end_first, item.settled.end_last}
    for _ in range(2):
        marks |= {each.before(mark) for each in durations for mark in marks}
    span = item.start
    for start in some_days(span.first, min(span.last, _latest_start(item, today)), marks):
        for first, last in possible_ends(item, start, today):
            for end in some_days(first, last, marks | {each.after(start) for each in durations}):
                yield start, end


def _latest_start(item: Item, today: int) -> int:
    """Give the day by which a row without any date that is over or runs must have begun; any day for every other."""
    row = item.row
    if row is None or item.settled or item.fact != "medication-use" or row.status not in (*OVER, "taking"):
        return FOREVER
    if row.start is not None or row.end is not None or not row.readable:
        return FOREVER
    if row.status == "taking":
        return today  # the list says so today
    return today - 1 if row.over_by is None else min(today - 1, row.over_by)


def time_doubts(item: Item) -> Doubts:
    """Say why the days of a row are not certain."""
    row = item.row
    if row is None:
        return frozenset({(NOT_READ, item.about)})
    if item.settled:
        return frozenset({("date-imprecise", item.about)})
    if not row.readable:
        return frozenset({("row-unreadable", item.about)})
    kinds = set()
    for span in (row.start, row.end):
        if span is not None and not span.readable:
            kinds.add("row-unreadable")
        elif span is not None and not span.exact:
            kinds.add("date-imprecise")
    if row.start is None:
        kinds.add("date-missing")
    if row.end is None and (row.status in OPEN + OVER or row.status is None):
        kinds.add("end-missing")
    return frozenset((kind, item.about) for kind in kinds or {"date-imprecise"})


def touches(item: Item, window: int, today: int) -> Verdict:
    """Say whether a row touches the days from `window` to `today`."""
    return over_all(start <= today and end >= window for start, end in pairs(item, today, (), (window,)))


Limit = tuple[str, Duration]  # "at_least", ...


def started_within(start: int, limits: Iterable[Limit], today: int) -> bool:
    """Say whether the time from `start` to `today` is inside every limit; a start after today never is."""
    compare: dict[str, Callable[[int], bool]] = {
        "at_most": lambda day: start >= day,
        "less_than": lambda day: start > day,
        "at_least": lambda day: start <= day,
        "more_than": lambda day: start < day,
    }
    return start <= today and all(compare[name](duration.before(today)) for name, duration in limits)


def lasts(start: int, end: int, limits: Iterable[Limit], today: int) -> bool:
    """Say whether the time from `start` to `end` (to today, if it still runs) is inside every limit."""
    until = min(end, today)
    if start == until == BEGINNING:  # one and the same day before any date, which no calendar can count from
        start = until = today
    compare: dict[str, Callable[[int], bool]] = {
        "at_least": lambda day: day <= until,
        "more_than": lambda day: day < until,
        "at_most": lambda day: until <= day,
        "less_than": lambda day: until < day,
    }
    return all(compare[name](duration.after(start)) for name, duration in limits)
