"""Procedures, encounters, service requests and care plans."""

from typing import Any

import pytest

from cds_service.core.facts import Gap, Needs
from tests.unit.fhir_calls import CODED, PATIENT, STATE, TABLE, bundle, days, read, resource, row_of, rows_of

DONE = {"status": "completed"}


@pytest.mark.parametrize(
    ("kind", "elements", "start", "end"),
    [
        ("Procedure", {**DONE, "performedDateTime": "2026-02-01"}, "2026-02-01", "2026-02-01"),
        (
            "Procedure",
            {**DONE, "performedPeriod": {"start": "2026-02-01", "end": "2026-02-05"}},
            "2026-02-01",
            "2026-02-05",
        ),
        ("Procedure", {**DONE, "performedPeriod": {"start": "2026-02-01"}}, "2026-02-01", "2026-02-01"),
        ("Procedure", {**DONE, "performedString": "last spring"}, "any day", "any day"),
        ("Procedure", {**DONE, "performedAge": {"value": 20, "code": "a"}}, ("2010-05-05", "2011-05-04"),
         ("2010-05-05", "2011-05-04")),
        ("Procedure", DONE, None, None),
        ("Procedure", {"status": "in-progress", "performedDateTime": "2026-02-01"}, "2026-02-01", None),
        ("Procedure", {"status": "unknown", "performedPeriod": {"start": "2026-02-01"}}, "2026-02-01", None),
        ("Encounter", {"period": {"start": "2026-02-01", "end": "2026-02-05"}}, "2026-02-01", "2026-02-05"),
        ("Encounter", {"period": {"start": "2026-02-01"}}, "2026-02-01", "2026-03-01"),
        ("Encounter", {}, None, "2026-03-01"),
        ("Encounter", {"period": "2026"}, "any day", "any day"),
        ("ServiceRequest", {"authoredOn": "2026-02-01T10:00:00Z"}, "2026-02-01", "2026-02-01"),
        ("ServiceRequest", {"authoredOn": {}}, "any day", "any day"),
        ("CarePlan", {"created": "2026-01-01", "period": {"start": "2026-02-01"}}, "2026-01-01", "2026-01-01"),
        ("CarePlan", {"period": {"start": "2026-02-01", "end": "2026-08-01"}}, "2026-02-01", "2026-08-01"),
    ],
)  # fmt: skip
def test_each_event_gives_its_start_and_end(kind: str, elements: dict[str, Any], start: Any, end: Any) -> None:
    row = row_of(resource(kind, **elements))
    assert (days(row.start), days(row.end)) == (start, end)


@pytest.mark.parametrize(
    ("kind", "elements", "wanted"),
    [
        ("Procedure", {"status": "completed"}, "completed"),
        ("Procedure", {"status": "Not-Done"}, "not-done"),
        ("Procedure", {"status": "unknown"}, None),
        ("Encounter", {"status": "finished"}, "finished"),
        ("Encounter", {"status": "cancelled"}, "cancelled"),
        ("Encounter", {"status": None}, None),
        ("ServiceRequest", {"status": "active"}, "active"),
        ("ServiceRequest", {"status": "active", "doNotPerform": True}, "do-not-perform"),
        ("ServiceRequest", {"status": "active", "doNotPerform": 1}, None),
        ("ServiceRequest", {"status": "later"}, None),
        ("CarePlan", {"status": "completed"}, "completed"),
    ],
)
def test_each_event_keeps_its_own_status_word(kind: str, elements: dict[str, Any], wanted: str | None) -> None:
    assert row_of(resource(kind, **elements)).status == wanted


@pytest.mark.parametrize(
    ("kind", "elements"),
    [
        ("Encounter", {"class": CODED["coding"][0]}),
        ("Encounter", {"class": [CODED]}),
        ("Encounter", {"type": [{"text": "visit"}, CODED]}),
        ("Encounter", {"serviceType": CODED}),
        ("Encounter", {"reasonCode": [CODED]}),
        ("ServiceRequest", {"code": {"text": "x"}, "category": [CODED]}),
        ("ServiceRequest", {"code": CODED}),
        ("CarePlan", {"category": CODED}),
        ("CarePlan", {"activity": [{"detail": {"code": CODED}}]}),
        ("Procedure", {"code": CODED}),
    ],
)
def test_an_event_is_what_any_of_its_codes_says(kind: str, elements: dict[str, Any]) -> None:
    assert row_of(resource(kind, **elements)).concept.by_code == TABLE.bit(STATE)


def test_an_activity_that_is_not_to_be_done_is_not_in_the_plan() -> None:
    activity = [{"detail": {"code": CODED, "doNotPerform": True}}, {"reference": {"display": "counselling"}}]
    concept = row_of(resource("CarePlan", activity=activity)).concept
    assert (concept.by_code, concept.texts) == (0, ("counselling",))


@pytest.mark.parametrize(
    ("kind", "elements"),
    [
        ("Procedure", {"statusReason": CODED}),
        ("Procedure", {"reasonCode": [CODED]}),
        ("ServiceRequest", {"reasonReference": [{"reference": "Condition/c"}]}),
        ("CarePlan", {"addresses": [{"reference": "Condition/c"}]}),
        ("Encounter", {"reasonCode": CODED}),
    ],
)
def test_an_events_reasons_are_read(kind: str, elements: dict[str, Any]) -> None:
    (row,) = rows_of(resource(kind, **elements), resource("Condition", id="c"), fact=kind)
    assert [reason.by_code for reason in row.reasons] == [TABLE.bit(STATE)]


STAY = resource("Encounter", id="e1", status="in-progress", period={"start": "2026-02-27"}, type=[CODED])


def stay_of(context: dict[str, Any], encounters: Any, **given: Any) -> tuple[Any, Any]:
    chart = read({"encounters": encounters}, context={"patientId": "p1", **context}, **given)
    return chart.rows.get("this-encounter", ()), chart.gaps.get("this-encounter", ())


@pytest.mark.parametrize("named", ["e1", "Encounter/e1", "https://ehr.example/fhir/Encounter/e1"])
def test_the_encounter_of_the_call_is_found_by_its_id(named: str) -> None:
    (row,), gaps = stay_of({"encounterId": named}, bundle(STAY, resource("Encounter", id="e2")))
    assert (row.reference, row.fact, days(row.start), gaps) == ("Encounter/e1", "this-encounter", "2026-02-27", ())


@pytest.mark.parametrize("context", [{}, {"encounterId": None}])
@pytest.mark.parametrize("encounters", [bundle(STAY), "<html>"])
def test_a_call_that_names_no_encounter_has_none(context: dict[str, Any], encounters: Any) -> None:
    assert stay_of(context, encounters) == ((), ())


@pytest.mark.parametrize(
    ("encounters", "why"),
    [
        (bundle(), "the encounter of this call is not in it"),
        (bundle(resource("Encounter", id="e2")), "the encounter of this call is not in it"),
        ("<html>", "no FHIR resource"),
        (bundle({**STAY, "subject": {"reference": "Patient/p2"}}), "another patient's rows"),
    ],
)
def test_an_encounter_that_is_named_but_not_found_is_not_read(encounters: Any, why: str) -> None:
    assert stay_of({"encounterId": "e1"}, encounters) == ((), (Gap("encounters", why),))


def test_an_encounter_that_was_found_makes_the_rest_of_its_list_unimportant() -> None:
    rows, gaps = stay_of({"encounterId": "e1"}, bundle(STAY, total=9))
    assert (len(rows), gaps) == (1, ())


def test_encounters_that_are_not_held_leave_no_gap_for_this_one() -> None:
    assert stay_of({"encounterId": "e1"}, "<html>", not_held=frozenset({"Encounter"})) == ((), ())


def test_an_encounter_id_that_is_no_text_cannot_be_found() -> None:
    assert stay_of({"encounterId": 7}, bundle(STAY))[1] == (
        Gap("encounters", "the encounter of this call is not in it"),
    )


def test_this_encounter_is_built_even_when_other_encounters_are_of_no_use() -> None:
    needs = Needs({}, frozenset({"this-encounter"}))
    chart = read(
        {"patient": PATIENT, "encounters": [STAY]}, context={"patientId": "p1", "encounterId": "e1"}, needs=needs
    )
    assert ("Encounter" in chart.rows, len(chart.rows["this-encounter"])) == (False, 1)


def test_an_encounter_class_without_a_system_is_of_the_system_the_element_is_bound_to() -> None:
    row = row_of(resource("Encounter", **{"class": {"code": "IMP"}}))
    (coding,) = row.concept.codings
    assert (coding.system, coding.code) == ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IMP")


@pytest.mark.parametrize(
    ("kind", "elements", "start"),
    [
        ("Procedure", {**DONE, "performedDateTime": "2026"}, ("2026-01-01", "2026-03-01")),
        ("Procedure", {"status": "preparation", "performedDateTime": "2026"}, ("2026-01-01", "2026-12-31")),
        ("Encounter", {"period": {"start": "2026-03"}}, ("2026-03-01", "2026-03-01")),
        ("Encounter", {"period": {"start": "2026-04"}}, ("2026-04-01", "2026-04-30")),
        ("ServiceRequest", {"authoredOn": "2026"}, ("2026-01-01", "2026-03-01")),
        ("CarePlan", {"period": {"start": "2026"}}, ("2026-01-01", "2026-12-31")),
    ],
)  # fmt: skip
def test_what_has_begun_did_not_begin_after_today(kind: str, elements: dict[str, Any], start: Any) -> None:
    assert days(row_of(resource(kind, **elements)).start) == (start if start[0] != start[1] else start[0])
