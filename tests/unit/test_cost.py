"""What deciding costs, told by counting calls of functions: the same on every machine, whatever else it does."""

import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from cds_service import fixtures
from cds_service.core.engine import Compiled, Hearing, compile_release
from cds_service.edges.rule_store import load_rules
from cds_service.protocol import HookCall, read_call
from cds_service.services import judge_call

TODAY = date(2026, 3, 1)
MOST_CALLS_A_ROW = 1_000  # 794 were counted; some 3,300 when doubts were copied with each row at each criterion


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


def calls_of_functions(call: HookCall) -> int:
    """How many Python functions are called to judge a call."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        judge_call(call, compiled(), TODAY)
    finally:
        sys.setprofile(before)
    return counted


def test_a_list_without_codes_costs_no_more_for_each_row_however_long_it_is() -> None:
    compiled()
    few, more, many = (calls_of_functions(call_with(orders)) for orders in (20, 60, 140))
    assert (more - few) / 40 < MOST_CALLS_A_ROW
    assert (many - more) / 80 < MOST_CALLS_A_ROW


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
