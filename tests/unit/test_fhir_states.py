"""Conditions and allergies: states with a clinical and a verification status, and no end."""

from typing import Any

import pytest

from tests.unit.fhir_calls import CODED, PATIENT, days, read, resource, row_of


def concept(code: str, **more: Any) -> dict[str, Any]:
    return {"coding": [{"code": code, **more}]}


@pytest.mark.parametrize("kind", ["Condition", "AllergyIntolerance"])
@pytest.mark.parametrize(
    ("clinical", "wanted"),
    [
        (concept("active"), "active"),
        (concept("Active"), "active"),
        (concept(" RELAPSE "), "relapse"),
        (concept("resolved"), "resolved"),
        ("resolved", "resolved"),
        ({"text": "Inactive"}, "inactive"),
        ({"coding": [{"code": "local-1"}, {"code": "remission"}]}, "remission"),
        ([concept("resolved")], "resolved"),
        (concept("perhaps"), None),
        ({}, None),
        (5, None),
    ],
)
def test_clinical_status_is_read_in_every_casing_and_form(kind: str, clinical: Any, wanted: str | None) -> None:
    row = row_of(resource(kind, clinicalStatus=clinical))
    assert row.clinical_status == wanted
    assert "clinicalStatus not recorded: read as active" not in row.notes


def test_an_absent_clinical_status_reads_active_and_is_noted() -> None:
    row = row_of(resource("Condition", verificationStatus=concept("confirmed")))
    assert (row.clinical_status, row.notes) == ("active", ("clinicalStatus not recorded: read as active",))


@pytest.mark.parametrize(
    ("abatement", "wanted"),
    [
        ({"abatementDateTime": "2026-02-28"}, "resolved"),
        ({"abatementDateTime": "2026-03-01"}, "active"),
        ({"abatementDateTime": "2026-12"}, "active"),
        ({"abatementDateTime": "2026"}, None),
        ({"abatementDateTime": "soon"}, None),
        ({"abatementString": "after treatment"}, None),
        ({"abatementPeriod": {"start": "2024", "end": "2025"}}, "resolved"),
        ({"abatementPeriod": {"start": "2024-01-01"}}, "resolved"),
        ({"abatementAge": {"value": 30, "code": "a"}}, "resolved"),
        ({"abatementAge": {"value": 35, "code": "a"}}, None),
        ({"abatementBoolean": True}, "resolved"),
        ({"abatementBoolean": False}, "active"),
    ],
)
def test_active_with_an_abatement_in_the_past_reads_resolved(abatement: dict[str, Any], wanted: str | None) -> None:
    row = row_of(resource("Condition", clinicalStatus=concept("active"), **abatement))
    assert row.clinical_status == wanted
    assert ("abatement is in the past: read as resolved" in row.notes) == (wanted == "resolved")


def test_an_absent_clinical_status_with_an_abatement_in_the_past_reads_resolved() -> None:
    assert row_of(resource("Condition", abatementDateTime="2024")).clinical_status == "resolved"


def test_a_recorded_end_state_is_not_changed_by_an_abatement() -> None:
    assert row_of(resource("Condition", clinicalStatus="remission", abatementDateTime="2024")).clinical_status == (
        "remission"
    )


@pytest.mark.parametrize(
    ("verification", "wanted"),
    [
        (concept("confirmed"), "confirmed"),
        ("Refuted", "refuted"),
        (concept("differential"), "differential"),
        (concept("unknown"), None),
        ([], None),
    ],
)
def test_verification_status_is_read_as_recorded(verification: Any, wanted: str | None) -> None:
    assert row_of(resource("Condition", verificationStatus=verification)).verification_status == wanted


def test_an_absent_verification_status_reads_confirmed_and_is_noted() -> None:
    row = row_of(resource("Condition", clinicalStatus=concept("active")))
    wanted = ("confirmed", ("verificationStatus not recorded: read as confirmed",))
    assert (row.verification_status, row.notes) == wanted


@pytest.mark.parametrize(
    ("elements", "wanted"),
    [
        ({"onsetDateTime": "2025-04-02T23:30:00-05:00"}, "2025-04-02"),
        ({"onsetDateTime": "2025-04", "recordedDate": "2026-01-01"}, ("2025-04-01", "2025-04-30")),
        ({"onsetDateTime": "spring", "recordedDate": "2026-01-01"}, "any day"),
        ({"onsetPeriod": {"start": "2025-01-02", "end": "2025-02"}}, "2025-01-02"),
        ({"onsetPeriod": {"end": "2025-02"}, "recordedDate": "2025-03-01"}, "2025-03-01"),
        ({"onsetPeriod": "2025", "recordedDate": "2025-03-01"}, "any day"),
        ({"onsetPeriod": {"start": "2025-05-01", "end": "2025-02-01"}}, "any day"),
        ({"onsetAge": {"value": 20, "unit": "years", "code": "a"}}, ("2010-05-05", "2011-05-04")),
        ({"onsetAge": {"value": 18, "unit": "months"}}, ("1991-11-05", "1991-12-04")),
        ({"onsetAge": {"value": 20, "code": "a"}, "onsetDateTime": "2025-03-01"}, "2025-03-01"),
        ({"onsetAge": {"value": 20}, "recordedDate": "2025-03-01"}, "any day"),
        ({"onsetAge": "20", "recordedDate": "2025-03-01"}, "any day"),
        ({"onsetString": "as a teenager", "recordedDate": "2025-03-01"}, "2025-03-01"),
        ({"onsetString": "as a teenager"}, "any day"),
        ({"recordedDate": "2025-03-01"}, "2025-03-01"),
        ({"recordedDate": 20250301}, "any day"),
        ({}, None),
    ],
)
@pytest.mark.parametrize("kind", ["Condition", "AllergyIntolerance"])
def test_the_start_is_the_onset_else_the_recorded_date(kind: str, elements: dict[str, Any], wanted: Any) -> None:
    assert days(row_of(resource(kind, **elements)).start) == wanted


def test_an_age_at_onset_without_a_birth_date_could_be_any_day() -> None:
    aged = resource("Condition", onsetAge={"value": 20, "code": "a"}, recordedDate="2025-03-01")
    chart = read({"patient": {**PATIENT, "birthDate": None}, "conditions": [aged]})
    assert days(chart.rows["Condition"][0].start) == "any day"


def test_a_state_has_no_end() -> None:
    assert row_of(resource("Condition", abatementDateTime="2024")).end is None


@pytest.mark.parametrize(
    "category", [[concept("Problem-List-Item")], concept("problem-list-item"), "problem-list-item"]
)
def test_a_category_may_be_a_list_an_object_or_a_code(category: Any) -> None:
    assert row_of(resource("Condition", category=category)).categories == ("problem-list-item",)


@pytest.mark.parametrize("code", [None, {}, [], 5, "", {"coding": []}, {"coding": [None, {}]}, {"text": "  "}])
def test_a_condition_without_code_and_words_is_unreadable_but_keeps_its_status(code: Any) -> None:
    row = row_of(resource("Condition", code=code, clinicalStatus=concept("resolved")))
    assert (row.concept.readable, row.readable, row.clinical_status) == (False, True, "resolved")


def test_any_coding_of_several_counts() -> None:
    several = {"coding": [{"system": "urn:local", "code": "7"}, *CODED["coding"]]}
    assert row_of(resource("Condition", code=several)).concept.by_code


def test_an_allergy_is_also_its_reactions_substances() -> None:
    row = row_of(resource("AllergyIntolerance", code={"text": "a drug"}, reaction=[{"substance": CODED}]))
    assert row.concept.by_code
    assert row.concept.texts == ("a drug",)


def test_an_allergys_patient_is_its_subject() -> None:
    other = resource("AllergyIntolerance", patient={"reference": "Patient/p2"})
    assert read({"allergies": [other]}).dropped == {"another patient": 1}
