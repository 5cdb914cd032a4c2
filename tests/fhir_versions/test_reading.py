"""What R5 and STU3 spell otherwise, element by element: the row is the one that R4's spelling gives."""

from typing import Any

import pytest

from cds_service.core.facts import Row
from cds_service.fhir import r5, stu3
from cds_service.fhir.version import Version
from tests.unit.fhir_calls import CODED, DRUG_CODE, SUBJECT, bundle, days, read

Json = dict[str, Any]
DRUG = {"concept": DRUG_CODE}
V3 = "http://hl7.org/fhir/v3/ActCode"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NAMES = {
    "medication", "reason", "reasonCode", "adherence", "class", "actualPeriod", "admission", "serviceType", "code",
    "addresses", "activity", "contained", "ingredient", "occurenceDateTime", "effectiveDosePeriod", "taken", "notDone",
    "notGiven", "interpretation", "component", "valueCodeableConcept", "questionnaire", "serviceRequested", "type",
    "specialty", "description", "hospitalization", "status",
}  # fmt: skip
KEYS = {"Encounter": "encounters", "Procedure": "procedures", "CarePlan": "carePlans", "Condition": "conditions"}


def row(version: Version, kind: str, fact: str = "", **elements: Any) -> Row:
    """The only row of a resource that holds these elements alone."""
    resource = {"resourceType": kind, "id": "1", "subject": SUBJECT, **elements}
    chart = read({KEYS.get(kind, "serviceRequests"): bundle(resource)}, version=version)
    (found,) = chart.rows[fact or kind]
    return found


def use(version: Version, kind: str, **elements: Any) -> Row:
    return row(version, kind, "medication-use", **elements)


def adherence(*codes: str) -> Json:
    return {"code": {"coding": [{"code": each} for each in codes]}}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"status": "recorded"}, "taking"),
        ({"status": "recorded", "adherence": adherence("taking")}, "taking"),
        ({"status": "recorded", "adherence": adherence("taking-not-as-directed")}, "taking"),
        ({"status": "recorded", "adherence": adherence("local", "on-hold-as-directed")}, "paused"),
        ({"status": "recorded", "adherence": adherence("stopped-not-as-directed")}, "stopped"),
        ({"status": "recorded", "adherence": adherence("not-taking")}, "not-taken"),
        ({"status": "recorded", "adherence": adherence("not-taking", "stopped")}, "stopped"),
        ({"status": "recorded", "adherence": adherence("taking", "stopped")}, None),
        ({"status": "recorded", "adherence": adherence("taking", "not-taking")}, None),
        ({"status": "recorded", "adherence": adherence("unknown")}, None),
        ({"status": "recorded", "adherence": {"code": "taking?"}}, None),
        ({"status": "draft", "adherence": adherence("taking")}, "planned"),
        ({"status": "unheard-of"}, None),
        ({}, None),
    ],
)
def test_r5_tells_by_adherence_what_the_person_does(said: Json, wanted: str | None) -> None:
    assert use(r5, "MedicationStatement", medication=DRUG, **said).status == wanted


@pytest.mark.parametrize(
    ("kind", "elements", "wanted"),
    [
        ("MedicationRequest", {"status": "ended", "authoredOn": "2026-01-01"}, ("past", "2026-01-01", None)),
        (
            "MedicationRequest",
            {"status": "active", "effectiveDosePeriod": {"start": "2026-01-02", "end": "2026-02-02"}},
            ("taking", "2026-01-02", "2026-02-02"),
        ),
        ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-01-03"}, ("given", *["2026-01-03"] * 2)),
        (
            "MedicationAdministration",
            {"status": "completed", "occurenceDateTime": "2026-01-04"},
            ("given", "2026-01-04", "2026-01-04"),
        ),
        (
            "MedicationAdministration",
            {"status": "in-progress", "occurencePeriod": {"start": "2026-01-05"}},
            ("taking", "2026-01-05", None),
        ),
    ],
)
def test_r5_medications_have_drug_status_and_days(kind: str, elements: Json, wanted: tuple[Any, ...]) -> None:
    found = use(r5, kind, medication=DRUG, reason=[{"concept": CODED}], **elements)
    assert (found.name, found.status, days(found.start), days(found.end)) == ("Demo drug 8 mg", *wanted)
    assert bool(found.reasons) == (kind != "MedicationDispense")


def test_r5_drug_is_found_through_references_and_ingredients() -> None:
    medication = {"resourceType": "Medication", "id": "m", "ingredient": [{"item": DRUG}]}
    contained = use(r5, "MedicationRequest", contained=[medication], medication={"reference": {"reference": "#m"}})
    assert contained.name == "Demo drug 8 mg"
    order = {"resourceType": "MedicationRequest", "id": "1", "subject": SUBJECT}
    order["medication"] = {"reference": {"reference": "Medication/m"}}
    chart = read({"medicationRequests": bundle(order, medication)}, version=r5)
    assert [each.name for each in chart.rows["medication-use"]] == ["Demo drug 8 mg"]


@pytest.mark.parametrize("value", [None, {}, "x", 7, [], {"concept": None}, {"reference": "Medication/m"}])
@pytest.mark.parametrize("version", [r5, stu3])
def test_a_drug_of_the_wrong_shape_is_unreadable_and_no_fault(version: Version, value: Any) -> None:
    assert not use(version, "MedicationRequest", medication=value, status="active").concept.readable


def test_r5_encounter_has_classes_services_and_reasons() -> None:
    found = row(
        r5,
        "Encounter",
        status="discharged",
        actualPeriod={"start": "2026-01-01", "end": "2026-01-05"},
        reason=[{"value": [{"concept": CODED}]}],
        serviceType=[{"reference": {"display": "addiction service"}}],
        **{"class": [{"coding": [{"system": ACT, "code": "IMP"}]}]},
    )
    assert (found.status, days(found.start), days(found.end)) == ("discharged", "2026-01-01", "2026-01-05")
    assert {(each.system, each.code) for each in found.concept.codings} >= {(ACT, "IMP")}
    assert "addiction service" in found.concept.texts
    assert len(found.reasons) == 1


@pytest.mark.parametrize("version", [r5, stu3])
@pytest.mark.parametrize(("status", "wanted"), [("finished", "past"), ("in-progress", "taking")])
def test_an_inpatient_order_ends_with_its_stay(version: Version, status: str, wanted: str) -> None:
    period = {"start": "2026-01-01", "end": "2026-01-05"} if wanted == "past" else {"start": "2026-01-01"}
    stay = {"resourceType": "Encounter", "id": "e", "subject": SUBJECT, "status": status, "period": period}
    order = {"resourceType": "MedicationRequest", "id": "1", "subject": SUBJECT, "status": "active"}
    if version is r5:
        stay |= {"status": "completed" if wanted == "past" else status, "actualPeriod": stay.pop("period")}
        order |= {"medication": DRUG, "encounter": {"reference": "Encounter/e"}}
        order["category"] = [{"coding": [{"code": "inpatient"}]}]
    else:
        order |= {"medicationCodeableConcept": DRUG_CODE, "context": {"reference": "Encounter/e"}}
        order["category"] = {"coding": [{"code": "inpatient"}]}
    chart = read({"medicationRequests": bundle(order), "encounters": bundle(stay)}, version=version)
    (found,) = chart.rows["medication-use"]
    assert (found.status, days(found.end)) == (wanted, "2026-01-05" if wanted == "past" else None)


def test_r5_orders_procedures_and_plans() -> None:
    order = row(r5, "ServiceRequest", status="active", code={"concept": CODED}, reason=[{"concept": CODED}])
    assert (order.concept.readable, len(order.reasons)) == (True, 1)
    named = row(r5, "ServiceRequest", status="active", code={"reference": {"display": "counseling"}})
    assert named.concept.texts == ("counseling",)
    done = row(r5, "Procedure", status="completed", code=CODED, occurrencePeriod={"start": "2026-01", "end": "2026-02"})
    assert days(done.end) == ("2026-02-01", "2026-02-28")
    planned = {"plannedActivityReference": {"display": "visit"}}
    plan = row(r5, "CarePlan", status="active", addresses=[{"concept": CODED}], activity=[planned])
    assert (plan.concept.texts, len(plan.reasons)) == (("visit",), 1)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"status": "active", "taken": "y"}, "taking"),
        ({"status": "active", "taken": "unk"}, "taking"),
        ({"status": "intended", "taken": "na"}, "planned"),
        ({"status": "active", "taken": "N"}, "not-taken"),
        ({"status": "completed", "taken": "n"}, "not-taken"),
        ({"status": "stopped"}, "stopped"),
    ],
)
def test_stu3_tells_by_taken_what_the_person_does(said: Json, wanted: str) -> None:
    assert use(stu3, "MedicationStatement", medicationCodeableConcept=DRUG_CODE, **said).status == wanted


@pytest.mark.parametrize(
    ("kind", "flag", "wanted"),
    [
        ("MedicationDispense", "notDone", "not-taken"),
        ("MedicationAdministration", "notGiven", "not-taken"),
        ("Procedure", "notDone", "not-done"),
    ],
)
@pytest.mark.parametrize(("value", "undone"), [(True, True), ("true", True), (False, False), ("maybe", None)])
def test_stu3_says_by_a_flag_that_it_did_not_happen(
    kind: str, flag: str, wanted: str, value: Any, undone: bool | None
) -> None:
    drug = {"medicationCodeableConcept": DRUG_CODE} if kind.startswith("Medication") else {"code": CODED}
    fact = "medication-use" if kind.startswith("Medication") else kind
    found = row(stu3, kind, fact, status="completed", **{flag: value}, **drug)
    done = "completed" if kind == "Procedure" else "given"
    assert found.status == {True: wanted, False: done, None: None}[undone]


@pytest.mark.parametrize("status", ["entered-in-error", "Entered-In-Error"])
def test_what_was_entered_in_error_stays_so_whatever_the_flag(status: str) -> None:
    for kind, flags in (("MedicationStatement", {"taken": "n"}), ("MedicationDispense", {"notDone": True})):
        resource = {"resourceType": kind, "id": "1", "subject": SUBJECT, "status": status, **flags}
        chart = read({"medicationDispenses": bundle(resource)}, version=stu3)
        assert (chart.rows.get("medication-use"), chart.dropped) == (None, {"entered in error": 1})


def test_stu3_orders_go_by_their_own_names() -> None:
    procedure = row(stu3, "ProcedureRequest", "ServiceRequest", status="suspended", code=CODED)
    assert (procedure.reference, procedure.status) == ("ProcedureRequest/1", "on-hold")
    referral = row(
        stu3, "ReferralRequest", "ServiceRequest", status="cancelled", serviceRequested=[CODED], specialty=CODED
    )
    assert (referral.reference, referral.status, referral.concept.readable) == ("ReferralRequest/1", "revoked", True)
    assert "serviceRequests" not in {gap.source for gaps in read(
        {"serviceRequests": bundle({"resourceType": "ProcedureRequest", "id": "1", "subject": SUBJECT, "code": CODED})},
        version=stu3,
    ).gaps.values() for gap in gaps}  # fmt: skip


def test_stu3_states_visits_and_plans() -> None:
    state = row(stu3, "Condition", code=CODED, clinicalStatus="active", assertedDate="2026-01-01")
    assert (state.clinical_status, days(state.start)) == ("active", "2026-01-01")
    visit = row(stu3, "Encounter", status="finished", reason=[CODED], **{"class": {"system": V3, "code": "EMER"}})
    assert ((ACT, "EMER") in {(each.system, each.code) for each in visit.concept.codings}, len(visit.reasons)) == (
        True,
        1,
    )
    detail = {"code": CODED, "prohibited": True}
    plan = row(stu3, "CarePlan", status="suspended", category=[{"text": "plan"}], activity=[{"detail": detail}])
    assert (plan.status, plan.concept.codings, plan.concept.texts) == ("on-hold", (), ("plan",))


def test_stu3_answers_are_coded_in_the_systems_of_r4() -> None:
    within = {
        "linkId": "b",
        "text": "b",
        "answer": {"valueCoding": {"system": "http://hl7.org/fhir/v2/0136", "code": "Y"}},
    }
    item = {"linkId": "a", "item": [{"linkId": "c", "answer": [{"valueInteger": 1, "item": [within]}]}]}
    response = {"resourceType": "QuestionnaireResponse", "id": "1", "subject": SUBJECT, "item": [item]}
    chart = read({"questionnaireResponses": bundle(response)}, version=stu3)
    answers = [answer for each in chart.rows["QuestionnaireResponse"] for answer in each.answers]
    assert [(each.system, each.code) for answer in answers for each in answer.codings] == [
        ("http://terminology.hl7.org/CodeSystem/v2-0136", "Y")
    ]


@pytest.mark.parametrize("version", [r5, stu3])
@pytest.mark.parametrize("value", [None, 0, "x", [], {}, [None], [7], {"reference": 5}, [{"value": 3}], [[{}]]])
def test_no_shape_of_an_element_makes_reading_fail(version: Version, value: Any) -> None:
    names = sorted(NAMES)
    kinds = [*version.READERS, "Medication"]
    rows = [{"resourceType": kind, "id": name, "subject": SUBJECT, name: value} for kind in kinds for name in names]
    assert read({"labs": bundle(*rows)}, version=version).counts["Patient"] == 1


def test_a_stu3_draft_order_is_selected_by_its_own_name() -> None:
    drafts = bundle({"resourceType": "ProcedureRequest", "id": "d", "subject": SUBJECT, "code": CODED})
    context = {"patientId": "p1", "draftOrders": drafts, "selections": ["ProcedureRequest/d"]}
    chart = read(hook="order-select", context=context, version=stu3)
    assert [(each.reference, each.status) for each in chart.rows["draft-order"]] == [("ProcedureRequest/d", "selected")]
