"""Days out of FHIR dates, periods, ages and durations; what cannot be read could be any day.

Source: FHIR R4 data types, https://hl7.org/fhir/R4/datatypes.html
"""

import math
import re
from datetime import datetime
from typing import Any

from cds_service.core.dates import BEGINNING, FOREVER, Duration, Span, parse_span, unreadable_span
from cds_service.fhir.shapes import Resource, inside, objects, word

MOST_CHARACTERS = 64  # of a date; a longer text is none
UNITS = {
    "h": "hours", "hour": "hours", "hours": "hours", "hr": "hours",
    "d": "days", "day": "days", "days": "days", "{days}": "days",
    "wk": "weeks", "week": "weeks", "weeks": "weeks",
    "mo": "months", "month": "months", "months": "months",
    "a": "years", "yr": "years", "year": "years", "years": "years",
}  # fmt: skip
MOST_UNITS = 100_000

_USUAL = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2}))?\Z")
_NUMERIC = (int, float, str)
Days = tuple[Span | None, Span | None]


def span(value: Any) -> Span | None:
    """Read a date, dateTime or instant. None when absent; an unreadable span when it is no date."""
    if value is None:
        return None
    if isinstance(value, str):
        known = _usual_span(value)
        if known is not None:
            return known
        if len(value) <= MOST_CHARACTERS:
            try:
                return parse_span(value)
            except (ValueError, OverflowError):
                pass
        return unreadable_span(value)
    return unreadable_span("")


def _usual_span(text: str) -> Span | None:
    """Read the two spellings that nearly every record uses as parse_span would, but quicker; None for any other.

    Only years that are near: at the calendar's ends a zone can lead out of it, which parse_span refuses.
    """
    if not _USUAL.match(text):
        return None
    try:
        known = datetime.fromisoformat(text)
        day = known.toordinal()  # as written, whatever the zone
        return Span(day, day, text, None if len(text) == 10 else known.timestamp())
    except ValueError:
        return None


def period(value: Any) -> Days:
    """Read a Period as start and end. One that ends before it starts says nothing about either."""
    if value is None:
        return None, None
    if not isinstance(value, dict):
        return unreadable_span(""), unreadable_span("")
    start, end = span(value.get("start")), span(value.get("end"))
    if start is not None and end is not None and end.last < start.first:
        return unreadable_span(start.text), unreadable_span(end.text)
    return start, end


def moment(resource: Resource, name: str) -> Days:
    """Read `name`DateTime, `name`Instant or `name`Period, and the first event of a `name`Timing, as start and end.

    A date alone gives a start only. Text or an age is no date: it reads as an unreadable start.
    """
    dated = resource.get(name + "DateTime")
    if dated is None:
        dated = resource.get(name + "Instant")
    if dated is not None:
        return span(dated), None
    if resource.get(name + "Period") is not None:
        return period(resource[name + "Period"])
    timing = resource.get(name + "Timing")
    if timing is not None:
        events = inside(timing, "event")
        return span(events[0] if isinstance(events, list) and events else events or ""), None
    for form in ("String", "Age", "Range"):
        if resource.get(name + form) is not None:
            text = resource[name + form]
            return unreadable_span(text if isinstance(text, str) else ""), None
    return None, None


def number_in(value: Any) -> float | None:
    """Give a finite number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return None
    if isinstance(value, str) and (len(value) > MOST_CHARACTERS or "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def duration(value: Any, unit: str = "") -> Duration | None:
    """Read a Duration, Age or Quantity of time, rounded up to whole units; hours become days.

    unit: what is meant when none is written. None when number or unit cannot be read.
    """
    if not isinstance(value, dict):
        return None
    number = number_in(value.get("value"))
    written = word(value.get("code")) or word(value.get("unit"))
    kind = UNITS.get(written) or UNITS.get(word(value.get("unit"))) or ("" if written else unit)
    if number is None or not kind or not 0 <= number <= MOST_UNITS:
        return None
    if kind == "hours":
        number, kind = number / 24, "days"
    return Duration(math.ceil(number), kind)


def after(start: Span | None, length: Duration | None, times: int = 1) -> Span | None:
    """Give the day `times` x `length` after `start`; None without a start, unreadable without a length."""
    if start is None:
        return None
    if length is None or not start.readable:
        return unreadable_span("")
    whole = Duration(length.count * times, length.unit)
    first = _within(whole.after(start.first))
    return Span(first, first if start.exact else _within(whole.after(start.last)))


def _within(day: int) -> int:
    return max(BEGINNING, min(day, FOREVER))


def at_age(age: Any, birth: Span | None) -> Span:
    """Give the days on which a person had this Age: from reaching it to the day before the next unit."""
    reached = duration(age)
    if reached is None or birth is None or not birth.readable:
        return unreadable_span("")
    following = Duration(reached.count + 1, reached.unit)
    first, last = reached.after(birth.first), following.after(birth.last) - 1
    return Span(_within(first), _within(max(first, last)))


def bounds(dosages: Any) -> Days:
    """Give the earliest start and latest end among the dosages' timing bounds.

    A dosage without an end leaves the whole without one. Source: Timing.repeat.boundsPeriod.
    """
    bounded = [inside(dosage, "timing", "repeat", "boundsPeriod") for dosage in objects(dosages)]
    if bounded.count(None) == len(bounded):
        return None, None
    periods = [period(each) for each in bounded]
    starts = [start for start, _ in periods if start is not None]
    ends = [end for _, end in periods if end is not None]
    runs_on = len(ends) < len(periods)
    start = min(starts, key=lambda each: each.first, default=None)
    return start, None if runs_on else max(ends, key=lambda each: each.last, default=None)


def last_change(resource: Resource) -> int | None:
    """Give the day of meta.lastUpdated, None when there is none that can be read."""
    changed = span(inside(resource, "meta", "lastUpdated"))
    return changed.last if changed is not None and changed.readable else None
