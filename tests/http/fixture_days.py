"""Decides fixtures on many days, in a process of its own: what the rules say, without HTTP and without words.

A day costs about a millisecond, and there are tens of thousands; so the dates of a request are found once and moved in
place, and `days_that_differ` can run in several processes side by side.
"""

import gc
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.core.choice import holds
from cds_service.core.decision import UNDECIDED, Outcome
from cds_service.core.engine import Compiled, compile_release, decide
from cds_service.fhir.reader import read_chart
from cds_service.fixtures import Fixture, find
from cds_service.rulebook.release import load_release
from cds_service.shift import moved, places

RULES = Path(__file__).parents[2] / "rules"

Said = tuple[Any, ...]


@cache
def rules() -> Compiled:
    """The rules of this tree, compiled once a process."""
    release = load_release(RULES).release
    assert release is not None, "the rules of this tree cannot be loaded"
    return compile_release(release)


def said(request: dict[str, Any], today: date) -> Said:
    """What is said about a request: cards with level and suggestions, what is undecided, what was not read."""
    compiled = rules()
    chart = read_chart(
        hook=request["hook"],
        context=request["context"],
        prefetch=request["prefetch"],
        needs=compiled.needs,
        table=compiled.table,
        today=today,
    )
    return _told(decide(compiled, chart, today))


def _told(outcome: Outcome) -> Said:
    cards = []
    for each in outcome.shown:
        assert each.card is not None
        offered = (one.label for one in each.card.suggestions if holds(one.conditions, each.judgement.result))
        cards.append((each.edition.rule.id, each.card.id, each.indicator, *offered))
    undecided = [each.edition.rule.id for each in outcome.decisions if each.state == UNDECIDED]
    return (*cards, tuple(undecided), tuple(sorted(outcome.unread)), outcome.gate)


def days_that_differ(name: str, days: int) -> list[tuple[str, Said, Said]]:
    """Move a fixture to each of `days` consecutive days; give the days on which it says something else.

    Each with what it said on the day it was written for, and on that day.
    """
    gc.disable()  # looking for circles of objects would take a tenth of the time
    try:
        return list(_differing(find(name), days))
    finally:
        gc.enable()


def _differing(fixture: Fixture, days: int) -> list[tuple[str, Said, Said]]:
    assert fixture.written_for is not None
    request = deepcopy(dict(fixture.request))
    dates = list(places(request))
    first = said(request, fixture.written_for)
    found = []
    for count in range(days):
        for holder, key, text in dates:
            holder[key] = moved(text, count)
        today = fixture.written_for + timedelta(count)
        now = said(request, today)
        if now != first:
            found.append((today.isoformat(), first, now))
    return found
