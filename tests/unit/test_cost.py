"""What deciding costs, told by counting calls of functions: the same on every machine, whatever else it does."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import orjson
import pytest

from bench.charts import AFTER_WITHDRAWAL, HOOK, NEITHER, TREATED, UNTREATED, instances, requests
from bench.charts import TODAY as MADE_ON
from bench.generated import charts, write_release
from cds_service import fixtures
from cds_service.core.card import answer_body, call_context
from cds_service.core.dates import NO
from cds_service.core.decision import SILENT
from cds_service.core.engine import Compiled, Hearing, compile_release, decide
from cds_service.edges.rule_store import load_rules
from cds_service.fhir.draft import draft
from cds_service.fhir.reader import read_chart
from cds_service.protocol import HookCall, read_call
from cds_service.records import call_row
from cds_service.rulebook.release import load_release
from cds_service.services import answer, judge_call

TODAY = date(2026, 3, 1)
# Of deciding: 60, 685, 543 and 816 were counted; 85, 979, 756 and 1,063 when each criterion took every step.
MOST_CALLS_TO_DECIDE = {NEITHER: 64, TREATED: 720, UNTREATED: 570, AFTER_WITHDRAWAL: 860}
# Of saying what was decided: 406 and 1,439 were counted; 755 and 2,490 when cards were put together anew each time.
MOST_CALLS_OF_CARDS = {UNTREATED: 430, AFTER_WITHDRAWAL: 1_510}
MOST_CALLS_A_ROW = 800  # 753 were counted; some 3,300 when doubts were copied with each row at each criterion


@cache
def compiled() -> Compiled:
    return compile_release(load_rules(Path("rules"), check=False).release)


def call_with(orders: int) -> HookCall:
    """The call of an untreated person whose list of orders names no drug."""
    found = read_call(fixtures.find("patient-view/untreated-oud-icd10").on(TODAY), "patient-view")
    subject = {"reference": f"Patient/{found.context['patientId']}"}
    order = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": subject}
    dated = {**order, "authoredOn": "2025-11-03"}
    entries = [{"resource": {**dated, "id": f"order-{number}"}} for number in range(orders)]
    return replace(
        found, prefetch={**found.prefetch, "medicationRequests": {"resourceType": "Bundle", "entry": entries}}
    )


def calls_of_functions(do: Callable[[], object]) -> int:
    """How many Python functions are called to do something."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return counted


def calls_to_judge(call: HookCall) -> int:
    """How many Python functions are called to judge a call."""
    return calls_of_functions(lambda: judge_call(call, compiled(), TODAY))


def test_a_list_without_codes_costs_no_more_for_each_row_however_long_it_is() -> None:
    compiled()
    few, more, many = (calls_to_judge(call_with(orders)) for orders in (20, 60, 140))
    assert (more - few) / 40 < MOST_CALLS_A_ROW
    assert (many - more) / 80 < MOST_CALLS_A_ROW


def call_of(story: str, person: int) -> HookCall:
    """The call of one of the people of the benchmark."""
    return read_call(orjson.loads(requests("7 kB", story, person + 1)[person].body(next(instances("cost")))), HOOK)


@pytest.mark.parametrize("story", MOST_CALLS_TO_DECIDE)
def test_a_criterion_takes_only_the_steps_that_it_has_keys_for(story: str) -> None:
    ready = compiled()
    for person in range(4):
        call = call_of(story, person)
        chart = read_chart(
            hook=call.hook, context=call.context, prefetch=call.prefetch, needs=ready.needs, table=ready.table,
            today=MADE_ON,
        )  # fmt: skip
        assert calls_of_functions(lambda chart=chart: decide(ready, chart, MADE_ON)) <= MOST_CALLS_TO_DECIDE[story]


def calls_to_say(story: str, person: int) -> tuple[int, int]:
    """How many Python functions are called to say what was decided of a person, and how many cards come of it."""
    call = call_of(story, person)
    outcome = judge_call(call, compiled(), MADE_ON).outcome
    context = call_context(hook=call.hook, hook_instance=call.hook_instance, context=call.context, today=MADE_ON)

    def say() -> object:
        return answer_body(outcome, call=context, release=compiled().release, draft=draft)

    return calls_of_functions(say), len(outcome.shown)


@pytest.mark.parametrize(("story", "cards"), [(UNTREATED, 1), (AFTER_WITHDRAWAL, 3)])
def test_a_card_is_filled_in_and_not_put_together_anew(story: str, cards: int) -> None:
    compiled()
    for person in range(4):
        calls, shown = calls_to_say(story, person)
        assert shown == cards
        assert calls <= MOST_CALLS_OF_CARDS[story]


def test_an_answer_without_cards_says_next_to_nothing() -> None:
    calls, shown = calls_to_say(NEITHER, 0)
    assert shown == 0
    assert calls <= 10


def test_rules_without_a_card_are_decided_without_gathering_the_rows_of_their_when() -> None:
    found = read_call(fixtures.find("patient-view/on-buprenorphine-film").on(TODAY), "patient-view")
    outcome = judge_call(found, compiled(), TODAY).outcome
    assert outcome.shown == ()
    for decision in outcome.decisions:
        hearing = decision.judgement
        assert isinstance(hearing, Hearing)
        place = hearing.compiled.places["when"]
        assert hearing.sitting.results[place] is None
        assert hearing.result("when").verdict is decision.verdict


def test_rules_of_which_nothing_is_on_record_are_answered_and_recorded_for_nothing(tmp_path: Path) -> None:
    body = orjson.loads(charts(1, touched=16)[0].body(next(instances("cost"))))
    call = read_call(body, HOOK)
    counted, answers = [], []
    for rules in (20, 60):
        release = load_release(write_release(tmp_path / str(rules), rules)).release
        assert release is not None
        ready = compile_release(release)

        def served(ready: Compiled = ready) -> tuple[list[object], int]:
            given = answer(call, ready, MADE_ON)
            row = call_row(
                given, at=datetime(2026, 3, 1, tzinfo=UTC), hook_instance=call.hook_instance, service="s", client="c",
                release=ready.release, ms=1.0,
            )  # fmt: skip
            return [card["summary"] for card in given.body["cards"]], len(row.decisions)

        answers.append(served())
        counted.append(calls_of_functions(served))
    few, many = counted
    assert answers[0] == answers[1] == ([f"Treatment {number} may help" for number in range(3)], 10)
    assert many == few


def test_rules_of_which_nothing_is_on_record_are_told_of_in_their_order_when_asked() -> None:
    found = read_call(fixtures.find("patient-view/untreated-oud-icd10").on(TODAY), "patient-view")
    release = compiled().release
    on_trial = compile_release(replace(release, active=release.active[::2], trial=release.active[1::2]))
    running = [each for each in (*on_trial.active, *on_trial.trial) if "patient-view" in each.edition.rule.hooks]
    outcome = judge_call(found, on_trial, TODAY).outcome
    assert len(outcome.heard) < len(outcome.decisions)
    assert [each.edition for each in outcome.decisions] == [each.edition for each in running]
    heard = {id(each) for each in outcome.heard}
    assert [each for each in outcome.decisions if id(each) in heard] == list(outcome.heard)
    silent = [each for each in outcome.decisions if id(each) not in heard]
    assert {(each.state, each.verdict) for each in silent} == {(SILENT, NO)}
    assert all(each.stopped_by for each in silent)  # judged in earnest, each is NO
    trials = {each.rule.id for each in on_trial.release.trial}
    assert all(each.trial is (each.edition.rule.id in trials) for each in silent)
