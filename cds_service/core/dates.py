"""Three-valued verdicts, partial dates as spans of days, durations and windows.

A day is an ordinal number (`datetime.date.toordinal`), so that comparing and adding are plain arithmetic
and an open end is simply a number beyond any date.
Source: FHIR R4 date and dateTime, https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

import calendar
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from enum import IntEnum

from cds_service.core.record import record

BEGINNING = 0  # before any date
FOREVER = 4_000_000  # after any date
_EVERY_MONTH_HAS = 28  # days


class Verdict(IntEnum):
    """Kleene's three values, ordered so that AND is the least and OR the greatest of them."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def __str__(self) -> str:
        return self.name


NO, UNKNOWN, YES = Verdict.NO, Verdict.UNKNOWN, Verdict.YES


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """AND: NO if one is NO, else UNKNOWN if one is UNKNOWN, else YES."""
    return min(verdicts, default=YES)


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """OR: YES if one is YES, else UNKNOWN if one is UNKNOWN, else NO."""
    return max(verdicts, default=NO)


def negate(verdict: Verdict) -> Verdict:
    """NOT: UNKNOWN stays UNKNOWN."""
    return Verdict(2 - verdict)


@record(frozen=True, slots=True)
class Span:
    """The days a date could mean: each day from `first` to `last`, both included.

    first, last: day ordinals; BEGINNING and FOREVER where there is no bound.
    text:        the date as it was written ("2026-02"), empty for a computed one.
    instant:     seconds since 1970 UTC when a clock time with a zone was given.
    readable:    False when something was written that is no date; then every day is possible.
    """

    first: int
    last: int
    text: str = ""
    instant: float | None = None
    readable: bool = True

    def __hash__(self) -> int:
        # Spans are compared to find the same row again, and the days alone tell nearly all of them apart.
        return hash((self.first, self.last))

    @property
    def exact(self) -> bool:
        """Whether it names one day."""
        return self.first == self.last


ANY_DAY = Span(BEGINNING, FOREVER)

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?")


def parse_span(text: str) -> Span:
    """Read a FHIR date, dateTime or instant as the days it could mean.

    text: "2026", "2026-03", "2026-03-01" or a dateTime; a dateTime counts by the calendar date written in it,
          and one without seconds or zone is taken too, because EHRs send it.
    Raises ValueError when `text` is no date.
    Source: https://hl7.org/fhir/R4/datatypes.html#dateTime
    """
    found = _DATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:40]!r} is no FHIR date")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if month is None:
        first, last = date(int(year), 1, 1), date(int(year), 12, 31)
    elif day is None:
        first = date(int(year), int(month), 1)
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    else:
        first = last = date(int(year), int(month), int(day))
    instant = None
    if hour is not None and zone is not None:
        offset = timedelta() if zone == "Z" else _offset(zone)
        # A leap second (60) is a legal FHIR time that datetime refuses: it counts as second 59.
        clock = datetime(first.year, first.month, first.day, int(hour) % 24, int(minute), min(int(second or 0), 59))
        instant = (clock.replace(tzinfo=timezone.utc) - offset).timestamp() + float(fraction or 0)
    return Span(first.toordinal(), last.toordinal(), text.strip(), instant)


def unreadable_span(text: str) -> Span:
    """Stand for a date that was written but cannot be read: it could be any day."""
    return Span(BEGINNING, FOREVER, text[:40], None, False)


def _offset(zone: str) -> timedelta:
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))


@record(frozen=True, slots=True)
class Duration:
    """A number of days, weeks, months or years. A month later is the same day number or the month's last day."""

    count: int
    unit: str  # "days", "weeks", "months", "years"

    def after(self, day: int) -> int:
        """The day this long after `day`; FOREVER and BEGINNING stay what they are."""
        return _shift(day, self, 1)

    def before(self, day: int) -> int:
        """The day this long before `day`."""
        return _shift(day, self, -1)


def _shift(day: int, duration: Duration, sign: int) -> int:
    if day <= BEGINNING or day >= FOREVER:
        return day
    if duration.unit in ("days", "weeks"):
        moved = day + sign * duration.count * (7 if duration.unit == "weeks" else 1)
        # Records write 9999-12-31 for "no end": beyond the calendar there is nothing left to count with.
        return BEGINNING if moved <= BEGINNING else FOREVER if moved > date.max.toordinal() else moved
    start = date.fromordinal(day)
    months = start.year * 12 + start.month - 1 + sign * duration.count * (12 if duration.unit == "years" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        return BEGINNING if sign < 0 else FOREVER
    last = start.day if start.day <= _EVERY_MONTH_HAS else calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last)).toordinal()


def full_years(birth: int, today: int) -> int:
    """Age in completed years; a birthday on 29 February falls on 1 March in other years."""
    born, now = date.fromordinal(birth), date.fromordinal(today)
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))
