"""How long a row lasts: its start and end as spans of days, lengthened, merged and turned into its ending.

Each function takes and gives `Found` rows whose `start` and `end` say every day they can have begun and ended.
Source: docs/reference/rule-language.md, sections 2 (start and end of each fact) and 5 (step "span").
"""

from collections.abc import Sequence
from dataclasses import replace

from cds_service.core.dates import ANY_DAY, BEGINNING, FOREVER, Duration, Span
from cds_service.core.decision import Doubt, Found
from cds_service.core.facts import Row

STATES = ("Condition", "AllergyIntolerance", "Patient")  # no end: what they are now stands in their status
OPEN_STATUSES = ("taking", "paused")
OVER_STATUSES = ("past", "stopped")
JOINING_UNCLEAR = "joining-unclear"


def lifetime(row: Row, today: int, stale_after: Duration | None = None) -> tuple[Span, Span | None]:
    """Give every day `row` can have begun and every day it can have ended.

    today:       day ordinal.
    stale_after: without an end, `taking` and `paused` rows surely go on this long after their start, then perhaps;
                 `past` and `stopped` ones are surely over by then. None: on for ever; over on some day before today.
    Returns (start, end); end is None for facts that are states.
    """
    start = row.start or ANY_DAY
    if row.fact in STATES:
        return start, None
    if not row.readable:
        return start, ANY_DAY
    if row.end is not None:
        return start, row.end
    if row.status in OPEN_STATUSES:
        # A list that says "taking" without any date says that it began, and runs, by today.
        if row.start is None and row.status == "taking":
            return Span(BEGINNING, today), Span(FOREVER, FOREVER)
        first = stale_after.after(start.first) if stale_after else FOREVER
        return start, Span(first, FOREVER)
    if row.status in OVER_STATUSES:
        latest = today - 1
        if row.over_by is not None:
            latest = min(latest, row.over_by)
        if stale_after:
            latest = min(latest, stale_after.after(start.last))
        # With no start on record, "over" still means over by then; a start after that day ends the day it starts.
        return start, Span(start.first, latest if row.start is None else max(start.last, latest))
    if row.fact == "medication-use" and row.status is None:  # it may run, or be over: nothing tells
        return start, Span(start.first, FOREVER)
    if row.fact in ("Encounter", "this-encounter"):
        return start, Span(max(start.first, today), max(start.last, today))
    return start, start


def may_go_stale(row: Row) -> bool:
    """Whether `stale_after` says something about the row: one that began and has no end on record."""
    return row.fact == "medication-use" and row.end is None and row.status in (*OPEN_STATUSES, *OVER_STATUSES)


def is_open(found: Found) -> bool:
    """Whether the row runs only because nothing ended it: `taking` or `paused` without an end on record."""
    return found.row.status in OPEN_STATUSES and found.row.end is None and found.row.fact == "medication-use"


def covered(found: Found, covers: Duration) -> Found:
    """Let a row that was `given`, or a Procedure, last at least `covers` from its start."""
    if found.end is None or not (found.row.status == "given" or found.row.fact == "Procedure"):
        return found
    first = max(found.end.first, covers.after(found.start.first))
    last = max(found.end.last, covers.after(found.start.last))
    return replace(found, end=Span(first, last))


def merged(rows: Sequence[Found], gap: Duration, complete: bool) -> list[Found]:
    """Join rows when the later starts at most `gap` after the earlier ends.

    complete: False when a list is unread. Then, or when a row is doubtful or a joining unclear, the rows come back
              unjoined and doubtful, for any of them could be part of a longer stretch.
    """
    if not rows:
        return []
    if not complete or not all(each.sure for each in rows):
        return [replace(each, sure=False, pinned=True) for each in rows]
    rows = [each if each.end else replace(each, end=each.start) for each in rows]  # a state ends as it starts
    ordered = sorted(rows, key=lambda each: (each.start.first, each.start.last))
    joined = [ordered[0]]
    for each in ordered[1:]:
        last = joined[-1]
        assert last.end is not None
        assert each.end is not None
        # Both ways round, because spans that overlap leave open which of the two began first.
        if each.start.last <= gap.after(last.end.first) and last.start.last <= gap.after(each.end.first):
            joined[-1] = replace(
                each,
                row=replace(each.row, labels=each.row.labels | last.row.labels),
                start=Span(min(last.start.first, each.start.first), min(last.start.last, each.start.last)),
                end=Span(max(last.end.first, each.end.first), max(last.end.last, each.end.last)),
                merged=last.merged + each.merged,
                by_text=last.by_text or each.by_text,
            )
        elif each.start.first > gap.after(last.end.last):
            joined.append(each)
        else:
            return [_unclear(one) for one in rows]
    return joined


def _unclear(found: Found) -> Found:
    why = (*found.why, Doubt(JOINING_UNCLEAR, found.row.reference))
    return replace(found, sure=False, doubts=(*found.doubts, JOINING_UNCLEAR), why=why, pinned=True)
