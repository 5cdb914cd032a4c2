"""Decides fixtures on many days, in a process of its own: what the rules say, without HTTP and without words.

There are tens of thousands of days. So the dates of a request are found once and moved in place; a day on which the
chart lies to the calendar exactly as on an earlier one is not decided again; and `days_that_differ` can run in several
processes side by side.
"""

import gc
from collections.abc import Sequence
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.core.choice import holds
from cds_service.core.dates import Duration
from cds_service.core.decision import UNDECIDED, Outcome
from cds_service.core.engine import Compiled, compile_release, decide
from cds_service.core.facts import Chart
from cds_service.fhir.reader import read_chart
from cds_service.fixtures import Fixture, find
from cds_service.rulebook.release import load_release
from cds_service.shift import moved, places

RULES = Path(__file__).parents[2] / "rules"

LOOK_AGAIN = 40  # every so many days a day is decided even if it looks like an earlier one

Said = tuple[Any, ...]


@cache
def rules() -> Compiled:
    """The rules of this tree, compiled once a process."""
    release = load_release(RULES).release
    assert release is not None, "the rules of this tree cannot be loaded"
    return compile_release(release)


def said(request: dict[str, Any], today: date) -> Said:
    """What is said about a request: cards with level and suggestions, what is undecided, what was not read."""
    return _told(decide(rules(), _chart(request, today), today))


def _chart(request: dict[str, Any], today: date) -> Chart:
    compiled = rules()
    return read_chart(
        hook=request["hook"],
        context=request["context"],
        prefetch=request["prefetch"],
        needs=compiled.needs,
        table=compiled.table,
        today=today,
    )


@cache
def months() -> tuple[Duration, ...]:
    """The lengths by which the rules count in months and years; all else they count in days."""
    editions = (*rules().release.active, *rules().release.trial)
    owners = [*(each.rule for each in editions), *(one for each in editions for one in each.definitions.values())]
    counts = {(one.value, one.unit) for owner in owners for one in owner.parameters.values()}
    return tuple(Duration(int(value), unit) for value, unit in sorted(counts) if unit in ("months", "years"))


@cache
def _calendar(day: int) -> tuple[int, ...]:
    """How far the days lie that are these months before and after a day."""
    return tuple(there - day for each in months() for there in (each.before(day), each.after(day)))


def likeness(chart: Chart, today: date) -> tuple[Any, ...]:
    """What a decision can depend on when only dates differ: days relative to today, and months counted from each."""
    now = today.toordinal()
    parts: list[Any] = [_calendar(now)]
    for rows in chart.rows.values():
        for row in rows:
            parts.append((row.status, row.clinical_status, row.notes, row.over_by and row.over_by - now))
            if row.listed_on is not None:
                parts.append((row.listed_on - now, _calendar(row.listed_on)))
            for span in (row.start, row.end, row.birth_date):
                if span is None or not span.readable:
                    parts.append(span)
                    continue
                parts.append((span.first - now, span.last - now, _calendar(span.first), _calendar(span.last)))
    return tuple(parts)


def _told(outcome: Outcome) -> Said:
    cards = []
    for each in outcome.shown:
        assert each.card is not None
        offered = (one.label for one in each.card.suggestions if holds(one.conditions, each.judgement.verdict))
        cards.append((each.edition.rule.id, each.card.id, each.indicator, *offered))
    undecided = [each.edition.rule.id for each in outcome.decisions if each.state == UNDECIDED]
    return (*cards, tuple(undecided), tuple(sorted(outcome.unread)), outcome.gate)


def days_that_differ(name: str, days: Sequence[int]) -> list[tuple[str, Said, Said]]:
    """Move a fixture on by each of `days`; give the days on which it says something else.

    Each with what it said on the day it was written for, and on that day.
    """
    gc.disable()  # looking for circles of objects would take a tenth of the time
    try:
        return list(_differing(find(name), days))
    finally:
        gc.enable()


def _differing(fixture: Fixture, days: Sequence[int]) -> list[tuple[str, Said, Said]]:
    assert fixture.written_for is not None
    request = deepcopy(dict(fixture.request))
    dates = list(places(request))
    first = said(request, fixture.written_for)
    known: dict[tuple[Any, ...], Said] = {}
    found = []
    for count in days:
        for holder, key, text in dates:
            holder[key] = moved(text, count)
        today = fixture.written_for + timedelta(count)
        chart = _chart(request, today)
        like = likeness(chart, today)
        if like not in known or count % LOOK_AGAIN == 0:
            now = _told(decide(rules(), chart, today))
            assert known.setdefault(like, now) == now, f"{today}: days that look alike are decided differently"
        now = known[like]
        if now != first:
            found.append((today.isoformat(), first, now))
    return found
