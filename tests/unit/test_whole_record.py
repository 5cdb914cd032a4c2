"""A person's whole record as a call: every list is there, and what no call can be made of is told."""

from datetime import date
from typing import Any

import pytest

from cds_service.core.engine import compile_release, decide
from cds_service.fhir.prefetch import PREFETCH
from cds_service.fhir.reader import read_chart
from cds_service.fhir.whole_record import RecordProblem, as_call, resources_of
from cds_service.fixtures import find, names
from tests.http.small_release import SMALL, patient
from tests.running import ROOT

DRAFT = {"resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order"}


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def test_every_list_is_there_so_nothing_is_unread() -> None:
    context, prefetch = as_call([patient()], "patient-view")
    assert prefetch.keys() == PREFETCH.keys()
    compiled = compile_release(SMALL)
    chart = read_chart(
        hook="patient-view", context=context, prefetch=prefetch, needs=compiled.needs, table=compiled.table,
        today=date(2026, 3, 1),
    )  # fmt: skip
    assert chart.gaps == {}


def test_resources_of_nested_bundles_and_of_one_resource_are_found() -> None:
    inner = {"resourceType": "Condition", "id": "c1"}
    assert resources_of(bundle(bundle(inner), patient(), None, {"id": "x"})) == [patient(), {"id": "x"}, inner]
    assert resources_of(patient()) == [patient()]


@pytest.mark.parametrize("given", [None, [], "text", {}, {"resourceType": 3}])
def test_what_is_no_fhir_is_refused(given: Any) -> None:
    with pytest.raises(RecordProblem, match="wanted a FHIR Bundle: a JSON object with resourceType"):
        resources_of(given)


ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
REDACTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({**bundle(patient()), "link": [{"relation": "next", "url": "https://example.org/2"}]}, "a further page"),
        (bundle(patient(), ERROR), "the Bundle is not whole: error"),
        ({**bundle(patient()), "meta": {"security": [REDACTED]}}, "the Bundle is not whole: redacted"),
    ],
    ids=["page", "error", "redacted"],
)
def test_a_bundle_that_is_not_whole_never_reads_as_none_on_record(given: Any, said: str) -> None:
    with pytest.raises(RecordProblem, match=said):
        resources_of(given)


@pytest.mark.parametrize(
    ("resources", "hook", "said"),
    [
        ([], "patient-view", "wanted one Patient, found 0"),
        ([patient(), {**patient(), "id": "other"}], "patient-view", "wanted one Patient, found 2"),
        ([{"resourceType": "Patient"}], "patient-view", "the Patient has no id"),
        ([patient()], "order-sign", "order-sign wants a draft order: a request with status draft"),
        ([patient()], "encounter-discharge", "encounter-discharge wants an Encounter with an id"),
    ],
)
def test_what_no_call_can_be_made_of_is_told(resources: list[Any], hook: str, said: str) -> None:
    with pytest.raises(RecordProblem, match=said):
        as_call(resources, hook)


def test_drafts_are_orders_at_an_order_hook_and_records_elsewhere() -> None:
    context, prefetch = as_call([patient(), DRAFT], "order-sign")
    assert context["draftOrders"]["entry"] == [{"resource": DRAFT}]
    assert context["selections"] == ["MedicationRequest/d1"]
    assert prefetch["medicationRequests"] is None
    context, prefetch = as_call([patient(), DRAFT], "patient-view")
    assert "draftOrders" not in context
    assert prefetch["medicationRequests"]["entry"] == [{"resource": DRAFT}]


def test_the_stay_is_the_one_that_is_named_or_began_last() -> None:
    stays = [
        {"resourceType": "Encounter", "id": "e1", "period": {"start": "2026-01-02"}},
        {"resourceType": "Encounter", "id": "e2", "actualPeriod": {"start": "2026-02-03"}},
        {"resourceType": "Encounter", "id": "e3"},
    ]
    assert as_call([patient(), *stays], "encounter-discharge")[0]["encounterId"] == "e2"
    assert as_call([patient(), *stays], "encounter-discharge", "e1")[0]["encounterId"] == "e1"


def test_the_rows_of_a_fixture_decide_the_same_as_a_whole_record() -> None:
    """Where all lists were sent, it makes no difference which list a resource came in."""
    from cds_service.edges.rule_store import load_rules

    compiled = compile_release(load_rules(ROOT / "rules", check=False).release)
    compared = 0
    for name in names():
        fixture = find(name)
        request = fixture.request
        if fixture.hook != "patient-view" or (fixture.expected or {}).get("status") != 200:
            continue
        prefetch = request.get("prefetch", {})
        assert fixture.written_for is not None
        given: dict[str, Any] = {
            "hook": fixture.hook, "needs": compiled.needs, "table": compiled.table, "today": fixture.written_for,
        }  # fmt: skip
        sent = read_chart(context=request["context"], prefetch=prefetch, **given)
        if sent.gaps or sent.dropped:
            continue
        held = [each for value in prefetch.values() if value for each in resources_of(value)]
        context, whole = as_call(held, fixture.hook)
        record = read_chart(context=context, prefetch=whole, **given)
        first, second = (decide(compiled, each, fixture.written_for) for each in (sent, record))
        assert [each.state for each in first.decisions] == [each.state for each in second.decisions], name
        assert [each.edition.rule.id for each in first.shown] == [each.edition.rule.id for each in second.shown], name
        compared += 1
    assert compared > 20
