"""How long a row lasts: its start and end as spans of days, lengthened, merged and turned into its ending.

Each function takes and gives `Found` rows whose `start` and `end` say every day they can have begun and ended.
Source: docs/reference/rule-language.md, sections 2 (start and end of each fact) and 5 (step "span").
"""

from collections.abc import Sequence

from cds_service.core.dates import ANY_DAY, BEGINNING, FOREVER, Duration, Span
from cds_service.core.decision import Doubt, Found
from cds_service.core.facts import Gap, Row
from cds_service.core.pool import doubting, lasting, unread
from cds_service.core.record import replace

STATES = ("Condition", "AllergyIntolerance", "Patient")  # no end: what they are now stands in their status
OPEN_STATUSES = ("taking", "paused")
OVER_STATUSES = ("past", "stopped")
JOINING_UNCLEAR = "joining-unclear"


def lifetime(row: Row, today: int, stale_after: Duration | None = None) -> tuple[Span, Span | None]:
    """Give every day `row` can have begun and every day it can have ended.

    today:       day ordinal.
    stale_after: without an end, `taking` and `paused` rows surely go on this long after their start, or after the day
                 they were last listed, then perhaps;
                 `past` and `stopped` ones are surely over by then. None: on for ever; over on some day before today.
    Returns (start, end); end is None for facts that are states, and one with start where it ends the day it starts.
    """
    start = row.start or ANY_DAY
    if row.fact in STATES:
        return start, None
    if not row.readable:
        return start, Span(BEGINNING, FOREVER)
    if row.end is not None:
        return start, row.end
    if row.status in OPEN_STATUSES:
        # A list that says "taking" without any date says that it began, and runs, by today.
        if row.start is None and row.status == "taking":
            return Span(BEGINNING, today), Span(FOREVER, FOREVER)
        listed = start.first if row.listed_on is None else max(start.first, row.listed_on)
        first = stale_after.after(listed) if stale_after else FOREVER
        return start, Span(first, FOREVER)
    if row.status in OVER_STATUSES:
        latest = today - 1
        if row.over_by is not None:
            latest = min(latest, row.over_by)
        if stale_after:
            latest = min(latest, stale_after.after(start.last))
        if row.start is None:  # "over" still means over by then
            return start, Span(start.first, latest)
        # One that starts on that day or later ends the day it starts.
        return start, start if start.first >= latest else Span(start.first, max(start.last, latest))
    if row.fact == "Procedure" and row.status == "in-progress":  # a course of treatment that has not ended
        return start, Span(FOREVER, FOREVER)
    if row.fact in ("medication-use", "Procedure") and row.status is None:  # it may run, or be over: nothing tells
        return start, Span(start.first, FOREVER)
    if row.fact in ("Encounter", "this-encounter"):
        return start, Span(max(start.first, today), max(start.last, today))
    return start, start


def ends_at_once(found: Found) -> bool:
    """Whether it ends the day it starts, whichever day that is: not two dates that happen to be written alike."""
    return found.end is found.start and found.end is not found.row.end


def may_go_stale(row: Row) -> bool:
    """Whether `stale_after` says something about the row: one that began and has no end on record."""
    return row.fact == "medication-use" and row.end is None and row.status in (*OPEN_STATUSES, *OVER_STATUSES)


def is_open(found: Found) -> bool:
    """Whether the row runs only because nothing ended it: `taking` or `paused` without an end on record."""
    row = found.row
    return found.open or (row.status in OPEN_STATUSES and row.end is None and row.fact == "medication-use")


def covered(found: Found, covers: Duration) -> Found:
    """Let a row that was `given`, or a Procedure, last at least `covers` from its start."""
    row = found.row
    surely = row.status == "given" or row.fact == "Procedure"
    perhaps = row.status is None and row.fact == "medication-use"  # it may turn out to have been given
    if found.end is None or not (surely or perhaps):
        return found
    first = max(found.end.first, covers.after(found.start.first)) if surely else found.end.first
    last = max(found.end.last, covers.after(found.start.last))
    return lasting(found, found.start, Span(first, last))


def merged(rows: Sequence[Found], gap: Duration, further: Sequence[Gap]) -> list[Found]:
    """Join rows when the later starts at most `gap` after the earlier ends.

    further: lists that were not read. If there are any, or a row is doubtful or a joining unclear, the rows come back
             unjoined and doubtful, for any of them could be part of a longer stretch.
    """
    if not rows:
        return []
    if further or not all(each.sure for each in rows):
        return [replace(doubting(each, unread(further)), pinned=True) for each in rows]
    rows = [each if each.end else replace(each, end=each.start) for each in rows]  # a state ends as it starts
    if len(rows) == 1:
        return rows
    groups = _grouped(sorted(rows, key=lambda each: (each.start.first, each.start.last)), gap)
    if any(
        _may_touch(one, other, gap)
        for group in groups
        for one in group
        for each in groups
        if each is not group
        for other in each
    ):
        return [_unclear(each) for each in rows]
    return [_one_row(group) for group in groups]


def _grouped(rows: Sequence[Found], gap: Duration) -> list[list[Found]]:
    """Put together what surely joins, directly or by way of others. rows: by start."""
    groups: list[list[Found]] = []
    for each in rows:
        near = [group for group in groups if any(_touches(each, other, gap) for other in reversed(group))]
        for group in near[1:]:
            near[0] += group
            groups.remove(group)
        if near:
            near[0].append(each)
        else:
            groups.append([each])
    return groups


def _touches(one: Found, other: Found, gap: Duration) -> bool:
    """Whether the two surely join, both ways round: spans that overlap leave open which of them began first."""
    assert one.end is not None
    assert other.end is not None
    return one.start.last <= gap.after(other.end.first) and other.start.last <= gap.after(one.end.first)


def _may_touch(one: Found, other: Found, gap: Duration) -> bool:
    assert one.end is not None
    assert other.end is not None
    return one.start.first <= gap.after(other.end.last) and other.start.first <= gap.after(one.end.last)


def _one_row(group: Sequence[Found]) -> Found:
    """Make one row of a group: the latest of them, with the span of all; a row alone stays as it is."""
    if len(group) == 1:
        return group[0]
    latest = max(group, key=lambda each: (each.start.first, each.start.last))
    ends = [each.end for each in group if each.end]
    labels = latest.row.labels.union(*(each.row.labels for each in group))
    return replace(
        latest,
        row=latest.row if labels == latest.row.labels else replace(latest.row, labels=labels),
        start=Span(min(each.start.first for each in group), min(each.start.last for each in group)),
        end=Span(max(end.first for end in ends), max(end.last for end in ends)),
        merged=sum(each.merged for each in group),
        by_text=any(each.by_text for each in group),
        open=any(is_open(each) for each in group),
    )


def _unclear(found: Found) -> Found:
    return replace(doubting(found, [Doubt(JOINING_UNCLEAR, found.row.reference)]), pinned=True)
