"""medication-use: which drug, which status word, and from when to when."""

from datetime import date
from typing import Any

import pytest

from cds_service.core.facts import Needs
from tests.unit.fhir_calls import (
    CODED,
    DRUG,
    DRUG_CODE,
    PATIENT,
    RXNORM,
    TABLE,
    bundle,
    days,
    read,
    resource,
    rows_of,
    use_of,
)

LOCAL = {"coding": [{"system": "urn:oid:1.2.840.114350", "code": "77"}]}
INGREDIENTS = {
    "resourceType": "Medication",
    "id": "m1",
    "ingredient": [{"itemCodeableConcept": DRUG_CODE}, {"itemCodeableConcept": {"text": "another"}}],
}


@pytest.mark.parametrize(
    ("kind", "elements", "wanted"),
    [
        ("MedicationRequest", {"status": "active"}, "taking"),
        ("MedicationRequest", {"status": "ACTIVE "}, "taking"),
        ("MedicationRequest", {"status": "active", "intent": "plan"}, "taking"),
        ("MedicationRequest", {"status": "active", "intent": "order", "reportedBoolean": True}, "taking"),
        ("MedicationRequest", {"status": "active", "intent": 5}, "taking"),
        ("MedicationRequest", {"status": "on-hold"}, "paused"),
        ("MedicationRequest", {"status": "completed"}, "past"),
        ("MedicationRequest", {"status": "stopped"}, "stopped"),
        ("MedicationRequest", {"status": "draft"}, "planned"),
        ("MedicationRequest", {"status": "active", "intent": "proposal"}, "planned"),
        ("MedicationRequest", {"status": "active", "intent": "option"}, "planned"),
        ("MedicationRequest", {"status": "cancelled"}, "not-taken"),
        ("MedicationRequest", {"status": "active", "doNotPerform": True}, "do-not-perform"),
        ("MedicationRequest", {"status": "active", "doNotPerform": "true"}, "do-not-perform"),
        ("MedicationRequest", {"status": "active", "doNotPerform": False}, "taking"),
        ("MedicationRequest", {"status": "active", "doNotPerform": "perhaps"}, None),
        ("MedicationRequest", {"status": "unknown"}, None),
        ("MedicationRequest", {"status": "ended"}, None),
        ("MedicationRequest", {"status": ["active"]}, None),
        ("MedicationRequest", {}, None),
        ("MedicationStatement", {"status": "active"}, "taking"),
        ("MedicationStatement", {"status": "on-hold"}, "paused"),
        ("MedicationStatement", {"status": "completed"}, "past"),
        ("MedicationStatement", {"status": "stopped"}, "stopped"),
        ("MedicationStatement", {"status": "intended"}, "planned"),
        ("MedicationStatement", {"status": "not-taken"}, "not-taken"),
        ("MedicationStatement", {"status": "unknown"}, None),
        ("MedicationDispense", {"status": "in-progress"}, "given"),
        ("MedicationDispense", {"status": "completed"}, "given"),
        ("MedicationDispense", {"status": "on-hold"}, "paused"),
        ("MedicationDispense", {"status": "stopped"}, "stopped"),
        ("MedicationDispense", {"status": "preparation"}, "planned"),
        ("MedicationDispense", {"status": "cancelled"}, "not-taken"),
        ("MedicationDispense", {"status": "declined"}, "not-taken"),
        ("MedicationAdministration", {"status": "in-progress"}, "taking"),
        ("MedicationAdministration", {"status": "completed"}, "given"),
        ("MedicationAdministration", {"status": "on-hold"}, "paused"),
        ("MedicationAdministration", {"status": "stopped"}, "stopped"),
        ("MedicationAdministration", {"status": "not-done"}, "not-taken"),
        ("MedicationAdministration", {"status": None}, None),
    ],
)
def test_each_status_reads_as_one_word(kind: str, elements: dict[str, Any], wanted: str | None) -> None:
    assert use_of(kind, **elements).status == wanted


def supplied(length: Any, repeats: Any = None) -> dict[str, Any]:
    return {"expectedSupplyDuration": length, "numberOfRepeatsAllowed": repeats}


def bounded(*periods: dict[str, str]) -> list[dict[str, Any]]:
    return [{"timing": {"repeat": {"boundsPeriod": period}}} for period in periods]


THIRTY = {"value": 30, "unit": "days", "code": "d"}


@pytest.mark.parametrize(
    ("kind", "elements", "start", "end"),
    [
        ("MedicationRequest", {"authoredOn": "2026-01-01"}, "2026-01-01", None),
        ("MedicationRequest", {"authoredOn": "2026-01-01", "dispenseRequest": supplied(THIRTY)}, "2026-01-01",
         "2026-01-31"),
        ("MedicationRequest", {"authoredOn": "2025-01-01", "dispenseRequest": supplied(THIRTY, 2)}, "2025-01-01",
         "2025-04-01"),
        ("MedicationRequest", {"authoredOn": "2025-01-01", "dispenseRequest": supplied({"value": 4, "code": "wk"})},
         "2025-01-01", "2025-01-29"),
        ("MedicationRequest", {"authoredOn": "2025-01-31", "dispenseRequest": supplied({"value": 1, "unit": "Month"})},
         "2025-01-31", "2025-02-28"),
        ("MedicationRequest", {"authoredOn": "2025-01", "dispenseRequest": supplied(THIRTY)},
         ("2025-01-01", "2025-01-31"), ("2025-01-31", "2025-03-02")),
        ("MedicationRequest", {"authoredOn": "2025-01-01", "dispenseRequest": supplied({"value": 30})}, "2025-01-01",
         "any day"),
        ("MedicationRequest", {"authoredOn": "2025-01-01", "dispenseRequest": supplied({"value": -1, "code": "d"})},
         "2025-01-01", "any day"),
        ("MedicationRequest", {"authoredOn": "2025-01-01", "dispenseRequest": supplied(THIRTY, "many")}, "2025-01-01",
         "any day"),
        ("MedicationRequest", {"authoredOn": "2025-01-01", "dispenseRequest": {"quantity": {"value": 60}}},
         "2025-01-01", None),
        ("MedicationRequest", {"dispenseRequest": supplied(THIRTY)}, None, None),
        ("MedicationRequest", {"authoredOn": "01/02/2025"}, "any day", None),
        ("MedicationRequest", {"authoredOn": "2026-01-01", "dosageInstruction": bounded({"start": "2026-01-05",
         "end": "2026-02-05"})}, "2026-01-05", "2026-02-05"),
        ("MedicationRequest", {"dosageInstruction": bounded({"start": "2026-01-05", "end": "2026-01-09"},
         {"start": "2026-01-10", "end": "2026-01-20"})}, "2026-01-05", "2026-01-20"),
        ("MedicationRequest", {"dosageInstruction": bounded({"start": "2026-01-05", "end": "2026-01-09"},
         {"start": "2026-01-10"})}, "2026-01-05", None),
        ("MedicationRequest", {"dosageInstruction": "one a day", "authoredOn": "2026-01-01"}, "2026-01-01", None),
        ("MedicationStatement", {"effectivePeriod": {"start": "2025-02", "end": "2026-01-09"}},
         ("2025-02-01", "2025-02-28"), "2026-01-09"),
        ("MedicationStatement", {"effectivePeriod": {"start": "2025-02-01"}}, "2025-02-01", None),
        ("MedicationStatement", {"effectiveDateTime": "2025-02-01"}, "2025-02-01", None),
        ("MedicationStatement", {"dosage": bounded({"start": "2025-02-01", "end": "2025-03-01"})}, "2025-02-01",
         "2025-03-01"),
        ("MedicationStatement", {"dateAsserted": "2025-02-01"}, None, None),
        ("MedicationStatement", {"effectivePeriod": "2025"}, "any day", "any day"),
        ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-01-01T09:00:00Z",
         "whenPrepared": "2025-12-30", "daysSupply": {"value": 28}}, "2026-01-01", "2026-01-29"),
        ("MedicationDispense", {"status": "completed", "whenPrepared": "2025-12-30",
         "daysSupply": {"value": 2, "unit": "weeks"}}, "2025-12-30", "2026-01-13"),
        ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-01-01"}, "2026-01-01", "2026-01-01"),
        ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-01-01",
         "daysSupply": {"value": 28, "unit": "tablets"}}, "2026-01-01", "any day"),
        ("MedicationDispense", {"status": "completed", "whenHandedOver": "2026-01-01", "daysSupply": 28},
         "2026-01-01", "any day"),
        ("MedicationAdministration", {"status": "completed", "effectiveDateTime": "2026-01-01"}, "2026-01-01",
         "2026-01-01"),
        ("MedicationAdministration", {"status": "completed", "effectivePeriod": {"start": "2026-01-01",
         "end": "2026-01-03"}}, "2026-01-01", "2026-01-03"),
        ("MedicationAdministration", {"status": "in-progress", "effectiveDateTime": "2026-01-01"}, "2026-01-01", None),
    ],
)  # fmt: skip
def test_each_resource_gives_its_start_and_end(kind: str, elements: dict[str, Any], start: Any, end: Any) -> None:
    row = use_of(kind, **{"status": "active", **elements})
    assert (days(row.start), days(row.end)) == (start, end)


@pytest.mark.parametrize(
    ("length", "end"),
    [
        *(({"value": 48, "unit": each}, "2025-01-03") for each in ("h", "hour", "hours", "hr", "Hours ")),
        *(({"value": 2, "unit": each}, "2025-01-03") for each in ("d", "day", "days", "{Days}")),
        *(({"value": 2, "unit": each}, "2025-01-15") for each in ("wk", "week", "weeks")),
        *(({"value": 2, "unit": each}, "2025-03-01") for each in ("mo", "month", "months")),
        *(({"value": 2, "unit": each}, "2027-01-01") for each in ("a", "yr", "year", "years")),
        ({"value": 49, "unit": "h"}, "2025-01-04"),
        ({"value": 1.5, "unit": "d"}, "2025-01-03"),
        ({"value": "2", "unit": "d"}, "2025-01-03"),
        ({"value": 0, "unit": "d"}, "2025-01-01"),
        ({"value": 2, "unit": "weeks of supply", "code": "wk"}, "2025-01-15"),
        ({"value": 2, "unit": "weeks", "code": "W"}, "2025-01-15"),
        ({"value": "2_0", "unit": "d"}, "any day"),
        ({"value": True, "unit": "d"}, "any day"),
        ({"value": 100_000, "unit": "d"}, "2298-10-17"),
        ({"value": 100_001, "unit": "d"}, "any day"),
        ({"value": 2, "unit": "tablets"}, "any day"),
    ],
)
def test_a_supply_lasts_as_long_as_its_unit_says(length: dict[str, Any], end: str) -> None:
    row = use_of("MedicationRequest", status="active", authoredOn="2025-01-01", dispenseRequest=supplied(length))
    assert days(row.end) == end


CHANGED = {"lastUpdated": "2025-11-21T10:00:00Z"}


@pytest.mark.parametrize(
    ("elements", "end", "over_by"),
    [
        ({"status": "completed", "meta": CHANGED}, None, "2025-11-21"),
        ({"status": "stopped", "meta": CHANGED}, None, "2025-11-21"),
        ({"status": "stopped", "meta": {"lastUpdated": "2025-11"}}, None, "2025-11-30"),
        ({"status": "stopped", "meta": {"lastUpdated": "2026-05-01T00:00:00Z"}}, None, "2026-03-01"),
        ({"status": "stopped", "meta": {"lastUpdated": "lately"}}, None, None),
        ({"status": "stopped"}, None, None),
        ({"status": "active", "meta": CHANGED}, None, None),
        (
            {"status": "completed", "meta": CHANGED, "authoredOn": "2025-01-01", "dispenseRequest": supplied(THIRTY)},
            "2025-01-31",
            None,
        ),
        (
            {"status": "stopped", "meta": CHANGED, "authoredOn": "2025-12-01", "dispenseRequest": supplied(THIRTY, 11)},
            None,
            "2025-11-21",
        ),
        (
            {"status": "completed", "meta": CHANGED, "authoredOn": "2026-02-20", "dispenseRequest": supplied(THIRTY)},
            "2026-03-22",
            None,
        ),
    ],
)
def test_a_use_that_is_over_without_an_end_was_over_by_its_records_last_change(
    elements: dict[str, Any], end: Any, over_by: str | None
) -> None:
    row = use_of("MedicationRequest", **elements)
    assert (days(row.end), row.over_by and date.fromordinal(row.over_by).isoformat()) == (end, over_by)


@pytest.mark.parametrize(
    ("elements", "listed_on"),
    [
        ({"dateAsserted": "2026-01-15T09:00:00Z"}, "2026-01-15"),
        ({"dateAsserted": "2026-01"}, "2026-01-01"),
        ({"dateAsserted": "2026-03-01"}, "2026-03-01"),
        ({"dateAsserted": "2026-03-02"}, None),
        ({"dateAsserted": "lately"}, None),
        ({}, None),
        ({"dateAsserted": "2026-01-15", "status": "on-hold"}, "2026-01-15"),
        ({"dateAsserted": "2026-01-15", "status": "completed"}, None),
        ({"dateAsserted": "2026-01-15", "effectivePeriod": {"end": "2026-02-01"}}, None),
    ],
)
def test_an_open_statement_was_last_listed_when_it_was_asserted(
    elements: dict[str, Any], listed_on: str | None
) -> None:
    row = use_of("MedicationStatement", **{"status": "active", **elements})
    assert (row.listed_on and date.fromordinal(row.listed_on).isoformat()) == listed_on


INPATIENT = {
    "status": "active",
    "authoredOn": "2026-01-01",
    "category": [{"coding": [{"code": "inpatient"}]}],
    "encounter": {"reference": "Encounter/e1"},
}
STAY_OVER = "inpatient order of a stay that has ended: read as past"
STAY_UNKNOWN = "inpatient order; whether its stay has ended was not read"


def stay(**elements: Any) -> dict[str, Any]:
    return resource("Encounter", id="e1", **elements)


@pytest.mark.parametrize(
    ("encounter", "status", "end", "notes"),
    [
        ({"status": "finished", "period": {"start": "2026-01-01", "end": "2026-01-05"}}, "past", "2026-01-05",
         (STAY_OVER,)),
        ({"status": "in-progress", "period": {"start": "2026-01-01", "end": "2026-01-05"}}, "past", "2026-01-05",
         (STAY_OVER,)),
        ({"status": "finished"}, "past", None, (STAY_OVER,)),
        ({"status": "in-progress", "period": {"start": "2026-01-01"}}, "taking", None, ()),
        ({"status": "in-progress", "period": {"start": "2026-01-01", "end": "2026-03-01"}}, "taking", None, ()),
        ({"period": {"start": "2026-01-01", "end": "2026"}}, None, None, (STAY_UNKNOWN,)),
    ],
)  # fmt: skip
def test_an_inpatient_order_of_an_ended_stay_is_past(
    encounter: dict[str, Any], status: str | None, end: str | None, notes: tuple[str, ...]
) -> None:
    row = use_of("MedicationRequest", stay(**encounter), **INPATIENT)
    assert (row.status, days(row.end), row.notes) == (status, end, notes)


def test_an_ended_stay_without_an_end_was_over_by_the_stays_last_change() -> None:
    row = use_of("MedicationRequest", stay(status="finished", meta=CHANGED), **INPATIENT, meta={"lastUpdated": "2025"})
    assert row.over_by == date(2025, 11, 21).toordinal()


def test_an_outpatient_order_outlives_its_encounter() -> None:
    order = {**INPATIENT, "category": [{"coding": [{"code": "outpatient"}]}]}
    assert use_of("MedicationRequest", stay(status="finished"), **order).status == "taking"


def test_whether_an_unread_stay_has_ended_is_not_known() -> None:
    order = resource("MedicationRequest", **INPATIENT)
    lists = {"medicationRequests": [order], "encounters": "<html>"}
    row = read(lists).rows["medication-use"][0]
    assert (row.status, row.notes) == (None, (STAY_UNKNOWN,))


@pytest.mark.parametrize(
    ("encounters", "context"),
    [([], {"patientId": "p1"}), ("<html>", {"patientId": "p1", "encounterId": "e1"})],
)
def test_an_inpatient_order_of_this_stay_or_of_none_on_record_is_as_open_as_it_says(
    encounters: Any, context: dict[str, str]
) -> None:
    lists = {"medicationRequests": [resource("MedicationRequest", **INPATIENT)], "encounters": encounters}
    assert read(lists, context=context).rows["medication-use"][0].status == "taking"


@pytest.mark.parametrize(
    "elements",
    [
        {"medicationReference": {"reference": "#m1"}, "contained": [INGREDIENTS]},
        {"medicationReference": {"reference": "#m1"}, "contained": INGREDIENTS},
        {
            "medicationReference": {"reference": "#kit"},
            "contained": [
                {"resourceType": "Medication", "id": "kit", "ingredient": [{"itemReference": {"reference": "#m1"}}]},
                INGREDIENTS,
            ],
        },
        {"medicationReference": {"reference": "Medication/m1"}},
        {"medicationReference": {"reference": "Medication/m1/_history/2"}},
        {"medicationReference": {"reference": "https://ehr.example/fhir/Medication/m1"}},
        {"medicationReference": {"reference": "urn:uuid:77aa"}},
        {"medicationReference": {"reference": "Medication/compound"}},
        {"medicationCodeableConcept": LOCAL, "medicationReference": {"reference": "Medication/m1"}},
    ],
)
def test_a_drug_is_found_wherever_its_reference_leads(elements: dict[str, Any]) -> None:
    order = resource("MedicationRequest", **{"medicationCodeableConcept": None, **elements})
    compound = {
        "resourceType": "Medication",
        "id": "compound",
        "code": {"coding": []},
        "ingredient": [{"itemReference": {"reference": "Medication/m1"}}],
    }
    value = bundle(order, compound)
    value["entry"].append({"fullUrl": "urn:uuid:77aa", "resource": INGREDIENTS, "search": {"mode": "include"}})
    chart = read({"medicationRequests": value})
    (row,) = chart.rows["medication-use"]
    assert row.concept.by_code == TABLE.bit(DRUG)
    assert row.name == "Demo drug 8 mg"
    assert chart.gaps == {}


def test_a_medication_may_come_under_another_key() -> None:
    order = resource("MedicationRequest", medicationCodeableConcept=None,
                     medicationReference={"reference": "Medication/m1"})  # fmt: skip
    chart = read({"medicationRequests": [order], "medications": bundle(INGREDIENTS)})
    assert chart.rows["medication-use"][0].concept.by_code == TABLE.bit(DRUG)


@pytest.mark.parametrize(
    ("elements", "readable", "texts"),
    [
        ({"medicationReference": {"reference": "Medication/gone", "display": "Demo film"}}, True, ("Demo film",)),
        ({"medicationReference": {"display": "Demo film"}}, True, ("Demo film",)),
        ({"medicationReference": {"reference": "Medication/gone"}}, False, ()),
        ({"medicationReference": {"reference": "#gone"}}, False, ()),
        ({"medicationReference": {"identifier": {"value": "7"}}}, False, ()),
        ({"medicationReference": "Medication/m1"}, False, ()),
        ({"medicationReference": {"reference": "#loop"}, "contained": [{"resourceType": "Medication", "id": "loop",
          "ingredient": [{"itemReference": {"reference": "#loop"}}]}]}, False, ()),
        ({"medicationReference": {"reference": "#off"}, "contained": [{"resourceType": "Medication", "id": "off",
          "ingredient": [{"itemCodeableConcept": DRUG_CODE, "isActive": False}]}]}, False, ()),
        ({"medicationCodeableConcept": LOCAL}, False, ()),
        ({"medicationCodeableConcept": {**LOCAL, "text": "Demo film"}}, True, ("Demo film",)),
        ({"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "other"}]}}, True, ()),
        ({}, False, ()),
    ],
)  # fmt: skip
def test_a_drug_that_cannot_be_told_is_unreadable(elements: dict[str, Any], readable: bool, texts: Any) -> None:
    row = use_of("MedicationRequest", status="cancelled", **{"medicationCodeableConcept": None, **elements})
    assert (row.concept.readable, row.concept.texts) == (readable, texts)
    assert row.status == "not-taken"


def test_words_find_a_drug_when_no_code_decides() -> None:
    row = use_of("MedicationStatement", medicationCodeableConcept={"text": "Demo FILM daily"})
    assert (row.concept.by_code, row.concept.by_text, row.name) == (0, TABLE.bit(DRUG), "Demo FILM daily")


def test_an_unreadable_drug_is_kept_even_when_rules_look_for_others() -> None:
    needs = Needs({"medication-use": TABLE.bit(DRUG)}, frozenset())
    other = resource("MedicationRequest", id="2", medicationCodeableConcept={"text": "another"})
    blank = resource("MedicationRequest", id="3", medicationCodeableConcept=None)
    rows = rows_of(other, blank, fact="medication-use", needs=needs)
    assert [row.reference for row in rows] == ["MedicationRequest/3"]


@pytest.mark.parametrize(
    "elements",
    [
        {"reasonCode": [CODED]},
        {"reasonCode": CODED},
        {"statusReason": CODED},
        {"reasonReference": [{"reference": "Condition/c"}]},
    ],
)
def test_reasons_are_codes_or_the_conditions_referred_to(elements: dict[str, Any]) -> None:
    row = use_of("MedicationRequest", resource("Condition", id="c"), **elements)
    assert [reason.by_code for reason in row.reasons] == [TABLE.lookup(row.reasons[0].codings[0])]
    assert row.reasons[0].by_code


@pytest.mark.parametrize("reason", [None, [], [{}], {"coding": []}, 5])
def test_an_absent_reason_says_nothing(reason: Any) -> None:
    assert use_of("MedicationRequest", reasonCode=reason).reasons == ()


def test_a_category_may_be_an_object_in_place_of_a_list() -> None:
    assert use_of("MedicationRequest", category={"coding": [{"code": "Community"}]}).categories == ("community",)


def test_another_patients_encounter_does_not_end_an_order() -> None:
    encounter = {**stay(status="finished"), "subject": {"reference": "Patient/p2"}}
    lists = {"medicationRequests": [resource("MedicationRequest", **INPATIENT)], "encounters": [encounter]}
    assert read({"patient": PATIENT, **lists}).rows["medication-use"][0].status is None


def test_a_stopped_use_cannot_have_ended_after_today() -> None:
    row = use_of("MedicationStatement", status="stopped", effectivePeriod={"start": "2025-01-01", "end": "2026"})
    assert days(row.end) == ("2026-01-01", "2026-03-01")
