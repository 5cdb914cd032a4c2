"""The tests of `find` keys about time: how long, when it ended, when it began, since when.

Source: docs/reference/rule-language.md, section 5 (steps "span" and "time").
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from cds_service.core.dates import ANY_DAY, FOREVER, NO, UNKNOWN, YES, Duration, Span, Verdict, all_of
from cds_service.core.decision import Doubt, Found, Result
from cds_service.core.pool import a_few, unread
from cds_service.core.row_tests import FAILS, HOLDS, SURE, Answer, FoundTest, ReferenceDate, Scope, Sitting, unknown
from cds_service.core.rule import Bounds
from cds_service.core.stretch import ends_at_once, is_open

_NOT_ASKED: ReferenceDate = (ANY_DAY, False, ())  # told from a real answer by its identity


def within(span: Span, first: int, last: int) -> Verdict:
    """YES when every day of `span` lies from `first` to `last`, NO when none does."""
    if first > last:
        return NO
    if first <= span.first and span.last <= last:
        return YES
    return NO if span.last < first or span.first > last else UNKNOWN


def date_doubt(date: Span | None) -> str:
    """Name what is wrong with a date that leaves a test open."""
    if date is None:
        return "date-missing"
    return "date-imprecise" if date.readable else "row-unreadable"


def length(scope: Scope, bounds: Bounds) -> FoundTest:
    durations = {key: scope.duration(name) for key, name in _given(bounds)}
    hopeless = _nothing_fits(durations)

    def test(found: Found, sitting: Sitting) -> Answer:
        assert found.end is not None
        today, start, end = sitting.today, found.start, found.end
        if ends_at_once(found):
            start = end = Span(today, today)
        first, last = min(end.first, today), min(end.last, today)
        verdict = all_of(_lasts(key, duration, start, first, last) for key, duration in durations.items())
        if hopeless:  # each limit may let some day pass, but never the same
            verdict = NO
        if sitting.firm and is_open(found):
            verdict = UNKNOWN
        return unknown(_span_doubt(found), found.row) if verdict is UNKNOWN else SURE[verdict]

    return test


def _nothing_fits(durations: Mapping[str, Duration]) -> bool:
    """Whether no number of days lies within all limits; told of days and weeks only, for months differ in length."""
    if any(each.unit not in ("days", "weeks") for each in durations.values()):
        return False
    days = {key: each.after(1) - 1 for key, each in durations.items()}
    least = max(days.get("at_least", 0), days.get("more_than", -1) + 1)
    return least > min(days.get("at_most", FOREVER), days.get("less_than", FOREVER) - 1)


def _lasts(key: str, duration: Duration, start: Span, first: int, last: int) -> Verdict:
    earliest, latest = duration.after(start.first), duration.after(start.last)
    if key == "at_least":
        return YES if latest <= first else NO if earliest > last else UNKNOWN
    if key == "more_than":
        return YES if latest < first else NO if earliest >= last else UNKNOWN
    if key == "at_most":
        return YES if earliest >= last else NO if latest < first else UNKNOWN
    return YES if earliest > last else NO if latest <= first else UNKNOWN


def ended(found: Found, sitting: Sitting) -> Answer:
    """Key `ending`: it ended before today."""
    assert found.end is not None
    verdict = within(found.end, 0, sitting.today - 1)
    return unknown(_span_doubt(found), found.row) if verdict is UNKNOWN else SURE[verdict]


def during_last(window: Duration | None) -> FoundTest:
    """window: None for `today`."""
    opening = lru_cache(maxsize=1)(window.before) if window else None  # one row after another asks for the same day

    def test(found: Found, sitting: Sitting) -> Answer:
        assert found.end is not None
        opens = opening(sitting.today) if opening else sitting.today
        begun, going = within(found.start, 0, sitting.today), within(found.end, opens, FOREVER)
        verdict = min(begun, going)
        # Firm evidence: that nobody closed an entry written before the window is no proof of use inside it.
        if (
            verdict is YES
            and sitting.firm
            and is_open(found)
            and (found.row.start is None or found.start.first < opens)
        ):
            verdict = UNKNOWN
        if verdict is not UNKNOWN:
            return SURE[verdict]
        return unknown(date_doubt(found.row.start) if going is YES else _span_doubt(found), found.row)

    return test


def _span_doubt(found: Found) -> str:
    """Name what leaves the end of a row open."""
    row = found.row
    if row.end is not None:
        return date_doubt(row.end) if not row.end.exact else date_doubt(row.start)
    if row.start is not None and not row.start.readable:
        return "row-unreadable"
    return "end-missing" if row.status is not None else "status-missing"


def since_start(scope: Scope, bounds: Bounds) -> FoundTest:
    opens = day_range(scope, bounds)

    def test(found: Found, sitting: Sitting) -> Answer:
        first, last = opens(sitting.today)
        verdict = within(found.start, first, last)
        return unknown(start_doubt(found), found.row) if verdict is UNKNOWN else SURE[verdict]

    return test


def start_doubt(found: Found) -> str:
    """Name what leaves the start open; after `ending` the start is the day it ended."""
    return date_doubt(found.row.start) if found.row.start is None or not found.row.start.exact else _span_doubt(found)


def day_range(scope: Scope, bounds: Bounds) -> Callable[[int], tuple[int, int]]:
    """Turn bounds on the time since a start into the first and last day it may have been, given today."""
    durations = {key: scope.duration(name) for key, name in _given(bounds)}

    @lru_cache(maxsize=1)  # one row after another asks for the same day
    def days(today: int) -> tuple[int, int]:
        first, last = 0, today
        for key, duration in durations.items():
            day = duration.before(today)
            if key == "at_least":
                last = min(last, day)
            elif key == "more_than":
                last = min(last, day - 1)
            elif key == "at_most":
                first = max(first, day)
            else:
                first = max(first, day + 1)
        return first, last

    return days


def _given(bounds: Bounds) -> list[tuple[str, str]]:
    keys = ("at_least", "more_than", "at_most", "less_than")
    return [(key, name) for key in keys if (name := getattr(bounds, key)) is not None]


def started_since(index: int | None) -> FoundTest:
    """index: the criterion whose date is meant; None for `today`."""

    def test(found: Found, sitting: Sitting) -> Answer:
        reference = reference_date(index, sitting)
        if reference is None:
            return FAILS
        span, known, doubts = reference
        if found.start.last < span.first:
            return FAILS
        if known and found.start.first >= span.last:
            return HOLDS
        own = () if found.start.exact else (Doubt(start_doubt(found), found.row.reference),)
        return UNKNOWN, (*own, *doubts)

    return test


def reference_date(index: int | None, sitting: Sitting) -> ReferenceDate | None:
    """Give a criterion's date as the days it can be, whether it surely has one, and what leaves it open.

    The date is the latest start among its sure rows; doubtful rows and unread lists can only make it later.
    None when it surely has no rows.
    """
    if index is None:
        return Span(sitting.today, sitting.today), True, ()
    known = sitting.dates.get(index, _NOT_ASKED)
    if known is not _NOT_ASKED:
        return known
    sitting.dates[index] = date = _date_of(sitting.result(index))
    return date


def _date_of(result: Result) -> ReferenceDate | None:
    if result.verdict is NO or not (result.rows or result.further):
        return None
    starts = [found.start for found in result.rows if found.sure]
    doubts = result.doubts or tuple(unread(result.further))
    if result.verdict is UNKNOWN or not starts:
        return ANY_DAY, False, a_few(doubts or tuple(doubt for found in result.rows for doubt in found.why))
    doubts += tuple(Doubt(start_doubt(found), found.row.reference) for found in result.rows if not found.start.exact)
    lasts = [found.start.last for found in result.rows]
    lasts += [FOREVER if gap.before is None else gap.before - 1 for gap in result.further]
    return Span(max(span.first for span in starts), max(lasts)), True, a_few(doubts)
