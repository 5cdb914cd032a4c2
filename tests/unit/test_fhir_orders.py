"""Draft orders: which are being placed, renewed or stopped, and whose they are."""

from typing import Any

import pytest

from cds_service.core.facts import Chart, Gap
from tests.unit.fhir_calls import DRUG, DRUG_CODE, TABLE, bundle, days, read, resource


def order(number: str = "d1", kind: str = "MedicationRequest", **elements: Any) -> dict[str, Any]:
    return resource(kind, **{"id": number, "status": "draft", "intent": "order", **elements})


def call(*drafts: Any, hook: str = "order-sign", selections: Any = None, lists: Any = None, **given: Any) -> Chart:
    context = {
        "patientId": "p1",
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": each} for each in drafts]},
    }
    if selections is not None:
        context["selections"] = selections
    return read(lists, **{"hook": hook, "context": context, **given})


def statuses(chart: Chart) -> list[tuple[str, str | None]]:
    return [(row.reference, row.status) for row in chart.rows.get("draft-order", ())]


def test_at_signing_every_draft_is_selected() -> None:
    chart = call(order("d1"), order("d2", "ServiceRequest"))
    assert statuses(chart) == [("MedicationRequest/d1", "selected"), ("ServiceRequest/d2", "selected")]


def test_a_draft_starts_and_ends_today_and_names_its_drug() -> None:
    (row,) = call(order()).rows["draft-order"]
    assert (days(row.start), days(row.end), row.name) == ("2026-03-01", "2026-03-01", "Demo drug 8 mg")


@pytest.mark.parametrize(
    "selected",
    ["MedicationRequest/d1", "https://ehr.example/fhir/MedicationRequest/d1", "MedicationRequest/d1/_history/1", "d1"],
)
def test_while_choosing_only_the_selections_are_selected(selected: str) -> None:
    chart = call(order("d1"), order("d2"), hook="order-select", selections=[selected])
    assert statuses(chart) == [("MedicationRequest/d1", "selected"), ("MedicationRequest/d2", "unselected")]


@pytest.mark.parametrize("selections", [None, "MedicationRequest/d1", [7], {}])
def test_selections_that_cannot_be_read_leave_it_open(selections: Any) -> None:
    assert statuses(call(order(), hook="order-select", selections=selections)) == [("MedicationRequest/d1", None)]


def test_without_selections_nothing_is_selected() -> None:
    assert statuses(call(order(), hook="order-select", selections=[])) == [("MedicationRequest/d1", "unselected")]


def test_a_draft_without_a_name_may_or_may_not_be_selected() -> None:
    chart = call(order(id=None), hook="order-select", selections=["MedicationRequest/d1"])
    assert statuses(chart) == [("draftOrders[1]", None)]


@pytest.mark.parametrize(
    "elements",
    [{"status": "stopped"}, {"status": "cancelled"}, {"status": "revoked"}, {"status": "entered-in-error"},
     {"doNotPerform": True}],
)  # fmt: skip
def test_a_draft_that_takes_an_order_back_is_stopping(elements: dict[str, Any]) -> None:
    assert statuses(call(order(**elements))) == [("MedicationRequest/d1", "stopping")]


@pytest.mark.parametrize(
    ("elements", "entry", "status"),
    [
        ({}, {"id": "d1", "status": "active"}, "renewing"),
        ({"priorPrescription": {"reference": "MedicationRequest/old"}}, {"id": "old", "status": "completed"},
         "renewing"),
        ({"basedOn": [{"reference": "https://x.example/MedicationRequest/old"}]}, {"id": "old", "status": "active"},
         "renewing"),
        ({"priorPrescription": {"reference": "MedicationRequest/gone"}}, {"id": "old", "status": "active"}, "selected"),
        ({}, {"id": "old", "status": "active"}, "selected"),
        ({}, {"id": "d1", "status": "draft"}, "selected"),
        ({}, {"id": "d1", "status": "active", "intent": "proposal"}, "selected"),
        ({}, {"id": "d1", "status": "cancelled"}, "selected"),
        ({}, {"id": "d1", "status": "active", "subject": {"reference": "Patient/p2"}}, "selected"),
    ],
)  # fmt: skip
def test_a_draft_that_renews_an_order_on_record_is_renewing(
    elements: dict[str, Any], entry: dict[str, Any], status: str
) -> None:
    lists = {"medicationRequests": [resource("MedicationRequest", **entry)]}
    assert statuses(call(order(**elements), lists=lists)) == [("MedicationRequest/d1", status)]


def test_a_draft_based_on_a_care_plan_is_no_renewal() -> None:
    lists = {"carePlans": [resource("CarePlan", id="c1", status="active")]}
    assert statuses(call(order(basedOn=[{"reference": "CarePlan/c1"}]), lists=lists)) == [
        ("MedicationRequest/d1", "selected")
    ]


def test_an_unselected_draft_is_unselected_even_when_it_renews() -> None:
    lists = {"medicationRequests": [resource("MedicationRequest", id="d1", status="active")]}
    assert statuses(call(order(), hook="order-select", selections=[], lists=lists)) == [
        ("MedicationRequest/d1", "unselected")
    ]


def test_what_was_on_record_stays_history_when_a_draft_has_its_id() -> None:
    entries = [resource("MedicationRequest", id=each, status="active") for each in ("d1", "other")]
    for drafted in ("draft", "stopped"):
        chart = call(order(status=drafted), lists={"medicationRequests": entries})
        assert [row.reference for row in chart.rows["medication-use"]] == [
            "MedicationRequest/d1",
            "MedicationRequest/other",
        ]


@pytest.mark.parametrize("kind", ["MedicationOrder", "medicationrequest", "RequestGroup", "MedicationStatement"])
def test_a_draft_of_a_type_that_is_not_known_could_be_any_order(kind: str) -> None:
    chart = call(order(), {"resourceType": kind, "id": "x", "subject": {"reference": "Patient/p1"}})
    assert [(row.readable, row.reference) for row in chart.rows["draft-order"]][-1] == (
        False,
        "draftOrders[unreadable 1]",
    )


@pytest.mark.parametrize("kind", ["NutritionOrder", "QuestionnaireResponse", "DocumentReference", "AllergyIntolerance"])
def test_other_kinds_of_order_and_what_comes_along_stand_beside_without_notice(kind: str) -> None:
    chart = call(order(), {"resourceType": kind, "id": "x"})
    assert [row.readable for row in chart.rows["draft-order"]] == [True]


@pytest.mark.parametrize("own_id", ["../Patient/x", "a b", "a\nb", ""])
def test_a_draft_whose_id_could_be_a_path_is_told_by_its_place(own_id: str) -> None:
    assert [row.reference for row in call(order(id=own_id)).rows["draft-order"]] == ["draftOrders[1]"]


def test_a_draft_on_record_with_a_drafts_id_is_not_in_medication_use() -> None:
    entries = [resource("MedicationRequest", id=each, status="draft") for each in ("d1", "other")]
    chart = call(order(), lists={"medicationRequests": entries})
    assert [row.reference for row in chart.rows["medication-use"]] == ["MedicationRequest/other"]
    assert chart.dropped == {"same id as a draft order": 1}


def test_a_medication_among_the_drafts_answers_their_references() -> None:
    draft = order(medicationCodeableConcept=None, medicationReference={"reference": "Medication/m1"})
    chart = call(draft, {"resourceType": "Medication", "id": "m1", "code": DRUG_CODE})
    (row,) = chart.rows["draft-order"]
    assert (row.concept.by_code, row.status) == (TABLE.bit(DRUG), "selected")
    assert "draft-order" not in chart.gaps


@pytest.mark.parametrize(
    ("subject", "why", "dropped"),
    [
        ({"reference": "Patient/p2"}, "orders of another patient", "another patient"),
        (None, "orders without a patient", "no subject"),
    ],
)
def test_a_draft_that_is_not_this_patients_is_never_used(subject: Any, why: str, dropped: str) -> None:
    lists = {"medicationRequests": [resource("MedicationRequest", id="d1", status="active")]}
    chart = call(order(subject=subject), order("d2"), lists=lists)
    assert statuses(chart) == [("MedicationRequest/d2", "selected")]
    assert chart.gaps["draft-order"] == (Gap("draftOrders", why),)
    assert chart.dropped == {dropped: 1}
    assert len(chart.rows["medication-use"]) == 1


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge"])
def test_on_hooks_without_orders_there_are_none_and_nothing_is_missing(hook: str) -> None:
    chart = call(order(), hook=hook)
    assert ("draft-order" in chart.rows, "draft-order" in chart.gaps) == (False, False)


@pytest.mark.parametrize(
    ("drafts", "why"),
    [(None, "not sent"), ("<html>", "no FHIR resource"), ({}, "no FHIR resource")],
)
def test_drafts_that_cannot_be_read_are_a_gap(drafts: Any, why: str) -> None:
    chart = read(hook="order-sign", context={"patientId": "p1", "draftOrders": drafts})
    assert chart.gaps["draft-order"] == (Gap("draftOrders", why),)


@pytest.mark.parametrize("entry", [None, 5, {}, [], {"id": "x"}])
def test_a_draft_that_is_no_resource_is_an_unreadable_row(entry: Any) -> None:
    (row,) = call(entry).rows["draft-order"]
    assert (row.readable, row.concept.readable) == (False, False)


def test_a_draft_without_a_drug_is_kept_as_unreadable() -> None:
    (row,) = call(order(medicationCodeableConcept=None)).rows["draft-order"]
    assert (row.concept.readable, row.status) == (False, "selected")


def test_other_kinds_of_orders_are_let_be() -> None:
    chart = call({"resourceType": "NutritionOrder", "id": "n1", "patient": {"reference": "Patient/p1"}})
    assert ("draft-order" in chart.rows, "draft-order" in chart.gaps) == (False, False)


def test_drafts_may_be_a_bundle_of_the_chart_kind_too() -> None:
    context = {"patientId": "p1", "draftOrders": bundle(order())}
    assert statuses(read(hook="order-sign", context=context)) == [("MedicationRequest/d1", "selected")]


def test_a_draft_without_id_may_be_selected_by_its_full_url() -> None:
    drafts = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:5d", "resource": order(id=None)}]}
    for selections, status in ((["urn:uuid:5d"], "selected"), (["urn:uuid:6e"], "unselected")):
        context = {"patientId": "p1", "draftOrders": drafts, "selections": selections}
        assert statuses(read(hook="order-select", context=context)) == [("draftOrders[1]", status)]
