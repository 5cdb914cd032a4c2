"""What makes a list read, partly read or not read: DESIGN's table of three values, line by line."""

from typing import Any

import pytest

from cds_service.core.dates import parse_span
from cds_service.core.facts import Gap, Needs
from cds_service.fhir.prefetch import PREFETCH
from tests.unit.fhir_calls import CODED, PATIENT, STATE, SUBJECT, TABLE, bundle, read, resource

CONDITION = resource("Condition")


def outcome(severity: str, code: str = "processing", detail: str = "") -> dict[str, Any]:
    details = {"coding": [{"system": "urn:oid:1.2.3", "code": detail}]} if detail else {}
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "details": details}]}


NO_RESULTS = {"resource": outcome("warning", detail="4101"), "search": {"mode": "outcome"}}


def gaps(value: Any, fact: str = "Condition", key: str = "conditions", **given: Any) -> tuple[Gap, ...]:
    return read({key: value}, **given).gaps.get(fact, ())


def test_a_key_that_was_not_sent_is_not_read() -> None:
    chart = read(whole=False)
    assert chart.gaps["Condition"] == (Gap("conditions", "not sent"),)
    assert [gap.source for gap in chart.gaps["medication-use"]] == [
        "medicationRequests", "medicationStatements", "medicationDispenses", "medicationAdministrations",
    ]  # fmt: skip
    assert [gap.source for gap in chart.gaps["Observation"]] == ["labs", "surveys", "socialHistory"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": None},
        {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []},
        {"resourceType": "Bundle", "total": 0, "entry": [NO_RESULTS]},
        {"resourceType": "Bundle", "entry": [{"resource": PATIENT, "search": {"mode": "include"}}]},
        {"resourceType": "Bundle", "entry": [{"resource": outcome("warning"), "search": {"mode": "outcome"}}]},
        {"resourceType": "Bundle", "entry": [{"resource": outcome("information"), "search": {"mode": "outcome"}}]},
        outcome("warning", detail="4101"),
    ],
)
def test_a_list_that_was_read_and_is_empty_leaves_no_gap(value: Any) -> None:
    chart = read({"conditions": value})
    assert (chart.gaps, set(chart.rows)) == ({}, {"Patient"})


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (outcome("error"), "error"),
        (outcome("fatal"), "error"),
        (outcome("ERROR"), "error"),
        (outcome("warning"), "error"),
        ({"resourceType": "OperationOutcome"}, "error"),
        (bundle(outcome("error")), "error"),
        (bundle(CONDITION, outcome("fatal")), "error"),
        (bundle(outcome("warning", "suppressed")), "in part withheld by the source"),
        (bundle(outcome("warning", "incomplete")), "in part withheld by the source"),
        ({"resourceType": "Bundle", "entry": [{"response": {"status": "404 Not Found"}}]}, "error"),
        ("<html><body>Sign in</body></html>", "no FHIR resource"),
        (42, "no FHIR resource"),
        (True, "no FHIR resource"),
        ({}, "no FHIR resource"),
        ({"resourceType": 5}, "no FHIR resource"),
        ({"resourceType": "Bundle", "entry": "many"}, "no FHIR resource"),
        (bundle(resource("Observation")), "holds none of its resource type"),
        (resource("Observation"), "holds none of its resource type"),
        (bundle(CONDITION, link=[{"relation": "next", "url": "https://ehr.example/2"}]), "further page"),
        (bundle(CONDITION, link={"relation": "Next", "url": "https://ehr.example/2"}), "further page"),
        (bundle(CONDITION, total=2), "further page"),
        (bundle(meta={"security": [{"code": "REDACTED"}]}), "redacted"),
        (bundle(meta={"security": [{"code": "SUBSETTED"}]}), "redacted"),
        (bundle(meta={"security": [{"code": "masked"}]}), "redacted"),
    ],
)
def test_a_list_that_was_not_read_whole_leaves_a_gap_that_says_why(value: Any, why: str) -> None:
    assert gaps(value) == (Gap("conditions", why),)


def test_rows_of_a_list_with_an_error_in_it_are_still_read() -> None:
    assert len(read({"conditions": bundle(CONDITION, outcome("error"))}).rows["Condition"]) == 1


@pytest.mark.parametrize(
    "code",
    [
        "security", "login", "unknown", "expired", "forbidden", "suppressed", "too-costly", "transient", "lock-error",
        "no-store", "exception", "timeout", "incomplete", "throttled",
    ],
)  # fmt: skip
def test_a_warning_that_rows_are_missing_leaves_a_gap(code: str) -> None:
    assert gaps(bundle(CONDITION, outcome("warning", code))) == (Gap("conditions", "in part withheld by the source"),)


@pytest.mark.parametrize("code", ["informational", "processing", "not-found", "invariant", ""])
def test_any_other_warning_leaves_the_list_whole(code: str) -> None:
    assert gaps(bundle(CONDITION, outcome("warning", code))) == ()


@pytest.mark.parametrize(
    "value",
    [
        CONDITION,
        [CONDITION],
        bundle(CONDITION),
        bundle(CONDITION, total=1),
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": CONDITION}]},
        {"resourceType": "Bundle", "entry": {"resource": CONDITION}},
        [bundle(CONDITION), bundle()],
        bundle(CONDITION, {"resourceType": "Practitioner", "id": "9"}, PATIENT),
        bundle(CONDITION, link=[{"relation": "self", "url": "https://ehr.example/1"}]),
        bundle(CONDITION, outcome("warning", detail="4119")),
    ],
)
def test_a_single_resource_a_bundle_and_an_array_are_lists(value: Any) -> None:
    chart = read({"conditions": value})
    assert [row.reference for row in chart.rows["Condition"]] == ["Condition/1"]
    assert chart.gaps == {}


def test_a_type_that_is_not_held_here_reads_as_empty() -> None:
    chart = read(
        {"medicationRequests": bundle(), "conditions": bundle(), "patient": PATIENT},
        whole=False,
        not_held=frozenset({"MedicationStatement", "MedicationDispense", "MedicationAdministration"}),
    )
    assert "medication-use" not in chart.gaps
    assert chart.not_held == {"MedicationStatement", "MedicationDispense", "MedicationAdministration"}


@pytest.mark.parametrize(("kind", "fact"), [("Condition", "Condition"), ("MedicationRequest", "medication-use")])
def test_no_site_can_do_without_conditions_and_medication_requests(kind: str, fact: str) -> None:
    key = {"Condition": "conditions", "MedicationRequest": "medicationRequests"}[kind]
    chart = read({key: outcome("error")}, not_held=frozenset({kind}))
    assert chart.gaps[fact] == (Gap(key, "error"),)
    assert chart.not_held == frozenset()


def test_observations_that_are_not_held_spare_all_three_of_their_keys() -> None:
    assert "Observation" not in read(whole=False, not_held=frozenset({"Observation"})).gaps


@pytest.mark.parametrize(
    ("subject", "why", "dropped"),
    [
        ({"reference": "Patient/p2"}, "another patient's rows", "another patient"),
        ({"reference": "https://ehr.example/fhir/Patient/p2"}, "another patient's rows", "another patient"),
        ({"reference": "urn:uuid:8f0c"}, "another patient's rows", "another patient"),
        ({"reference": "Group/p1"}, "another patient's rows", "another patient"),
        ({"reference": "Patient/p11"}, "another patient's rows", "another patient"),
        ({"reference": "p1"}, "another patient's rows", "another patient"),
        ({"reference": "patient/p1x"}, "another patient's rows", "another patient"),
        (None, "rows without a patient", "no subject"),
        ({}, "rows without a patient", "no subject"),
        ({"reference": ""}, "rows without a patient", "no subject"),
        ({"reference": "#gone"}, "rows without a patient", "no subject"),
        ({"display": "someone"}, "rows without a patient", "no subject"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "rows without a patient", "no subject"),
        ("Patient/p1", "rows without a patient", "no subject"),
        ([SUBJECT], "rows without a patient", "no subject"),
    ],
)
def test_a_row_that_is_not_this_patients_is_never_used(subject: Any, why: str, dropped: str) -> None:
    chart = read({"conditions": bundle(CONDITION, resource("Condition", id="2", subject=subject))})
    assert [row.reference for row in chart.rows["Condition"]] == ["Condition/1"]
    assert chart.gaps["Condition"] == (Gap("conditions", why),)
    assert chart.dropped == {dropped: 1}


@pytest.mark.parametrize(
    ("reference", "contained"),
    [
        ("Patient/p1", []),
        (" Patient/p1 ", []),
        ("Patient/p1/_history/4", []),
        ("https://ehr.example/fhir/R4/Patient/p1", []),
        ("https://ehr.example/fhir/R4/Patient/p1/_history/4", []),
        ("urn:uuid:0c2f", []),
        ("urn:uuid:p1", []),
        ("#me", [{"resourceType": "Patient", "id": "me"}]),
        ("#me", [{"resourceType": "Patient", "id": "me", "birthDate": "1990-05-05"}]),
    ],
)
def test_every_spelling_of_this_patient_is_the_same_person(reference: str, contained: list[Any]) -> None:
    named = resource("Condition", subject={"reference": reference}, contained=contained)
    value = bundle(named)
    value["entry"].append({"fullUrl": "urn:uuid:0c2f", "resource": PATIENT})
    chart = read({"conditions": value})
    assert (len(chart.rows["Condition"]), chart.gaps) == (1, {})


@pytest.mark.parametrize(
    "contained",
    [
        {"birthDate": "1950-01-01"},
        {"identifier": [{"system": "urn:mrn", "value": "8"}]},
    ],
)
def test_a_contained_patient_who_contradicts_the_patient_is_another(contained: dict[str, Any]) -> None:
    inner = {"resourceType": "Patient", "id": "me", **contained}
    named = resource("Condition", subject={"reference": "#me"}, contained=[inner])
    patient = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "7"}]}
    assert read({"patient": patient, "conditions": bundle(named)}).dropped == {"another patient": 1}


@pytest.mark.parametrize(("kind", "own_id"), [("Practitioner", "me"), ("Patient", "other")])
def test_a_subject_is_no_other_resource_that_is_contained(kind: str, own_id: str) -> None:
    named = resource("Condition", subject={"reference": "#me"}, contained=[{"resourceType": kind, "id": own_id}])
    assert read({"conditions": bundle(named)}).dropped == {"no subject": 1}


def test_a_contained_patient_with_the_same_identifier_is_the_same_person() -> None:
    known = [{"system": "urn:mrn", "value": "7"}]
    inner = {"resourceType": "Patient", "id": "me", "identifier": known}
    named = resource("Condition", subject={"reference": "#me"}, contained=[inner])
    chart = read({"patient": {**PATIENT, "identifier": known}, "conditions": bundle(named)})
    assert (len(chart.rows["Condition"]), chart.dropped) == (1, {})


def test_a_subject_and_a_patient_that_differ_are_not_this_patient() -> None:
    both = resource("Condition", patient={"reference": "Patient/p2"})
    assert read({"conditions": bundle(both)}).dropped == {"another patient": 1}


def test_a_labelled_entry_is_not_used_and_its_list_is_partly_read() -> None:
    hidden = resource("Condition", id="2", meta={"security": [{"code": "REDACTED"}]})
    chart = read({"conditions": bundle(CONDITION, hidden)})
    assert [row.reference for row in chart.rows["Condition"]] == ["Condition/1"]
    assert chart.gaps["Condition"] == (Gap("conditions", "redacted"),)
    assert chart.dropped == {"redacted": 1}


def test_labels_of_resource_and_bundle_stand_on_the_row() -> None:
    labelled = resource("Condition", meta={"security": [{"code": "r"}]})
    chart = read({"conditions": bundle(labelled, meta={"security": [{"code": "42CFRPart2"}]})})
    assert chart.rows["Condition"][0].labels == {"R", "42CFRPART2"}


def lab(number: int, day: str | None) -> dict[str, Any]:
    return resource("Observation", id=str(number), status="final", effectiveDateTime=day)


NEXT = {"relation": "next", "url": "https://ehr.example/2"}


def page_of(*dates: str | None, links: tuple[dict[str, str], ...] = (NEXT,)) -> dict[str, Any]:
    return bundle(*(lab(number, day) for number, day in enumerate(dates)), link=list(links))


def test_a_page_sorted_newest_first_is_whole_from_the_day_after_its_oldest_row() -> None:
    value = page_of("2026-02-20", "2026-02-20T08:00:00Z", "2025-11-21")
    assert gaps(value, "Observation", "labs") == (Gap("labs", "further page", parse_span("2025-11-22").first),)


@pytest.mark.parametrize(
    "value",
    [
        page_of("2025-11-21", "2026-02-20"),
        page_of("2026-02-20", "2025-11"),
        page_of("2026-02-20", None),
        page_of("2026-02-20", "not a date"),
        page_of("2026-02-20"),
        page_of("2026-02-20", "2026-02-20"),
        page_of(),
        page_of(
            "2026-02-20",
            "2025-11-21",
            links=(NEXT, {"relation": "self", "url": "https://ehr.example/Observation?_sort=code"}),
        ),
    ],
)
def test_a_page_that_is_not_seen_to_be_sorted_may_miss_rows_of_any_date(value: Any) -> None:
    assert gaps(value, "Observation", "labs") == (Gap("labs", "further page", None),)


def test_the_same_resource_under_two_keys_counts_once() -> None:
    chart = read({"labs": bundle(lab(1, "2026-01-01")), "surveys": bundle(lab(1, "2026-01-01"))})
    assert len(chart.rows["Observation"]) == 1
    assert chart.dropped == {"sent twice": 1}


def test_resources_without_id_count_once_when_their_content_is_the_same() -> None:
    one, other = ({**lab(1, day), "id": None} for day in ("2026-01-01", "2026-01-02"))
    chart = read({"labs": bundle(one, other), "surveys": bundle(one)})
    assert [row.reference for row in chart.rows["Observation"]] == ["labs[1]", "labs[2]"]


def test_of_two_versions_of_a_resource_the_later_one_counts() -> None:
    old = resource("Condition", clinicalStatus={"coding": [{"code": "active"}]},
                   meta={"lastUpdated": "2025-01-01T00:00:00Z"})  # fmt: skip
    new = {**old, "clinicalStatus": {"coding": [{"code": "resolved"}]}, "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}
    for order in ((old, new), (new, old)):
        assert [row.clinical_status for row in read({"conditions": bundle(*order)}).rows["Condition"]] == ["resolved"]


def test_a_resource_under_an_unexpected_key_is_read_as_what_it_is() -> None:
    chart = read({"-extra": bundle(lab(1, "2026-01-01")), "conditions": bundle(CONDITION, lab(2, "2026-01-01"))})
    assert {row.reference for row in chart.rows["Observation"]} == {"Observation/1", "Observation/2"}
    assert chart.gaps == {}


@pytest.mark.parametrize(
    "entry",
    [
        5,
        "text",
        None,
        [],
        {},
        {"resource": None},
        {"resource": 7},
        {"resource": {}},
        {"resource": {"resourceType": ""}},
    ],
)
def test_an_entry_that_is_no_resource_leaves_its_list_partly_read(entry: Any) -> None:
    chart = read({"conditions": {"resourceType": "Bundle", "entry": [entry]}})
    assert "Condition" not in chart.rows
    assert chart.gaps["Condition"] == (Gap("conditions", "entries without a resource"),)
    assert chart.dropped == {"entries without a resource": 1}


def test_something_in_an_array_that_is_no_resource_leaves_its_list_partly_read() -> None:
    chart = read({"conditions": [CONDITION, {}]})
    assert [row.readable for row in chart.rows["Condition"]] == [True]
    assert chart.gaps["Condition"] == (Gap("conditions", "entries without a resource"),)


@pytest.mark.parametrize("total", [5, "5", 5.0, "many", {}, True])
def test_a_total_above_what_is_listed_or_that_cannot_be_read_leaves_the_list_partly_read(total: Any) -> None:
    chart = read({"conditions": {"resourceType": "Bundle", "total": total}})
    assert [gap.why for gap in chart.gaps["Condition"]] == ["further page"]


@pytest.mark.parametrize("total", [0, "0", 0.0])
def test_a_total_of_nothing_is_none_on_record(total: Any) -> None:
    assert read({"conditions": {"resourceType": "Bundle", "total": total}}).gaps == {}


def test_a_reference_leads_to_the_later_version() -> None:
    old, new = (
        {
            "resourceType": "Medication",
            "id": "m",
            "code": {"text": text},
            "meta": {"lastUpdated": f"{year}-01-01T00:00:00Z"},
        }
        for text, year in (("old", 2024), ("new", 2025))
    )
    order = resource(
        "MedicationRequest", medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"}
    )
    for pair in ((old, new), (new, old)):
        (row,) = read({"medicationRequests": bundle(order, *pair)}).rows["medication-use"]
        assert row.concept.texts == ("new",)


def test_a_resource_with_an_empty_id_is_named_by_its_place() -> None:
    assert read({"conditions": [resource("Condition", id="")]}).rows["Condition"][0].reference == "conditions[1]"


def test_a_resource_may_name_its_subject_as_patient() -> None:
    named = resource("Condition", subject=None, patient={"reference": "Patient/p1"})
    assert len(read({"conditions": [named]}).rows["Condition"]) == 1


def test_entered_in_error_rows_do_not_exist() -> None:
    chart = read(
        {
            "conditions": bundle(resource("Condition", verificationStatus={"coding": [{"code": "entered-in-error"}]})),
            "allergies": bundle(resource("AllergyIntolerance", verificationStatus="Entered-In-Error")),
            "labs": bundle(resource("Observation", status="entered-in-error")),
        }
    )
    assert (set(chart.rows), chart.gaps, chart.dropped) == ({"Patient"}, {}, {"entered in error": 3})


def test_rows_that_no_rule_could_use_are_counted_but_not_built() -> None:
    other = resource("Condition", id="2", code={"text": "something else"})
    unreadable = resource("Condition", id="3", code=None)
    chart = read(
        {"conditions": bundle(CONDITION, other, unreadable)},
        needs=Needs({"Condition": TABLE.bit(STATE)}, frozenset()),
    )
    assert [row.reference for row in chart.rows["Condition"]] == ["Condition/1", "Condition/3"]
    assert chart.counts["Condition"] == 3


def test_a_code_without_system_and_words_is_unreadable() -> None:
    bare = resource("Condition", code={"coding": [{"code": CODED["coding"][0]["code"]}]})
    assert not read({"conditions": bundle(bare)}).rows["Condition"][0].concept.readable


def test_a_code_that_says_there_is_none_is_unreadable() -> None:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    absent = resource("Condition", code={"coding": [{"system": system, "code": "unknown", "display": "Unknown"}]})
    assert not read({"conditions": bundle(absent)}).rows["Condition"][0].concept.readable


def test_templates_use_the_patient_id_and_constants_only() -> None:
    for each in PREFETCH.values():
        assert each.query.count("{{") == each.query.count("{{context.patientId}}") == 1
        assert each.query.startswith(each.resource_type)
