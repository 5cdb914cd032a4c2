"""Whatever rules are released together, and in whatever order: a critical card is always shown.

The release of the project is taken apart and put together anew; its rules silence, host and crowd out each other.
"""

from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.core.engine import Compiled, decide
from cds_service.core.facts import Chart
from cds_service.fhir.reader import read_chart
from cds_service.protocol import read_call
from tests.http.fixture_days import rules
from tests.vignettes.build import TODAY
from tests.vignettes.test_vignettes import VIGNETTES
from tests.vignettes.vignette import call_of


@cache
def charts() -> tuple[Chart, ...]:
    """Every story's chart of which some rule, alone, makes a critical card."""
    found = []
    for vignette in VIGNETTES:
        chart = _chart(call_of(vignette), f"{vignette.hook}")
        if chart is not None and _critical(rules(), chart):
            found.append(chart)
    return tuple(found)


def _chart(body: dict[str, Any], hook: str) -> Chart | None:
    call = read_call(body, hook)
    if not isinstance(call.prefetch.get("patient"), dict):
        return None
    compiled = rules()
    return read_chart(
        hook=hook, context=call.context, prefetch=call.prefetch, needs=compiled.needs, table=compiled.table, today=TODAY
    )


def _critical(compiled: Compiled, chart: Chart) -> set[str]:
    """The rules that make a critical card of this chart when each is asked alone."""
    alone = (decide(replace(compiled, active=(each,), trial=()), chart, TODAY) for each in compiled.active)
    return {each.edition.rule.id for outcome in alone for each in outcome.shown if each.indicator == "critical"}


def test_there_are_charts_of_several_critical_rules():
    kinds = {rule for chart in charts() for rule in _critical(rules(), chart)}
    assert len(charts()) >= 50
    assert kinds >= {
        "naltrexone-with-opioids",
        "suicide-signal",
        "moud-after-overdose",
        "opioid-with-moud-or-oud",
        "methadone-qt",
    }


@settings(deadline=None)  # the first example reads every story
@given(seed=st.integers(0, 2**32), number=st.integers(0, 10**6))
def test_no_critical_card_is_ever_hidden(seed: int, number: int):
    chart = charts()[number % len(charts())]
    random, compiled = Random(seed), rules()
    kept = [each for each in compiled.active if random.random() < random.choice((0.2, 0.5, 0.9, 1.0))]
    random.shuffle(kept)
    some = replace(compiled, active=tuple(kept), trial=())
    outcome = decide(some, chart, TODAY)
    shown = {each.edition.rule.id for each in outcome.shown if each.indicator == "critical"}
    guests = {one.edition.rule.id for each in outcome.shown if each.indicator == "critical" for one in each.merged}
    assert _critical(some, chart) <= shown | guests
    assert [each.indicator for each in outcome.shown] == sorted(
        (each.indicator for each in outcome.shown), key=("critical", "warning", "info").index
    )
