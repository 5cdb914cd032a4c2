"""What is wrong with the structure of one resource: all of it at once, at its place, and nothing of it repeated."""

import copy
from typing import Any

import pytest

from cds_service.edges.fhir_models import DEEPEST, MOST_OF_ONE, FhirModels
from cds_service.fhir.strict import FETCHED, MOST_ISSUES, faults

PERSON = {"reference": "Patient/1"}
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "subject": PERSON,
    "medicationCodeableConcept": {"text": "drug"},
}
RESULT = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": PERSON}
VISIT = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
NO_DAY = "is not a date: YYYY, YYYY-MM or YYYY-MM-DD"
NO_MOMENT = "is not a dateTime: YYYY, YYYY-MM, YYYY-MM-DD, or a day with time, seconds and time zone"
NO_ID = "is not an id: 1 to 64 letters, digits, '-' and '.'"
UNKNOWN = "holds an element that FHIR R4 does not have here"
EMPTY, NULL = "must not be empty", "must not be null; an element that says nothing is left out"

Told = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def models() -> FhirModels:
    return FhirModels(["R4", "R5", "STU3"])


def told(models: FhirModels, resource: dict[str, Any], version: str = "R4") -> Told:
    before = copy.deepcopy(resource)
    found = [(each.code, each.where, each.text) for each in models.faults(version, resource)]
    assert resource == before, "the resource was changed"
    return found


def person(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def nested(depth: int) -> dict[str, Any]:
    extension: dict[str, Any] = {"url": "https://example.org/x", "valueCode": "x"}
    for _ in range(depth - 1):
        extension = {"url": "https://example.org/x", "extension": [extension]}
    return person(extension=[extension])


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        (person(active=True, birthDate="1980-05", name=[{"given": ["A"]}], multipleBirthInteger=2), []),
        (ORDER, []),
        (RESULT | {"valueQuantity": {"value": 5.25}, "effectiveDateTime": "2026-03-01T10:00:00-05:00"}, []),
        (person(name=[{"given": [None, "A"], "_given": [{"extension": [{"url": "x", "valueCode": "y"}]}, None]}]), []),
        (
            {key: value for key, value in RESULT.items() if key != "status"}
            | {"_status": {"extension": [{"url": "https://example.org/x", "valueCode": "unknown"}]}},
            [],
        ),
        # types of JSON
        (person(active="true"), [("structure", "active", "must be true or false, not a string")]),
        (person(active=1), [("structure", "active", "must be true or false, not a number")]),
        (person(birthDate=1980), [("structure", "birthDate", "must be a string, not a number")]),
        (
            person(multipleBirthInteger=2.5),
            [("structure", "multipleBirthInteger", "must be a whole number, not a number with a fraction")],
        ),
        (
            RESULT | {"valueQuantity": {"value": "8"}},
            [("structure", "valueQuantity.value", "must be a number, not a string")],
        ),
        (
            RESULT | {"valueQuantity": {"value": True}},
            [("structure", "valueQuantity.value", "must be a number, not true or false")],
        ),
        (RESULT | {"subject": "Patient/1"}, [("structure", "subject", "must be an object, not a string")]),
        (RESULT | {"subject": '{"reference": "x"}'}, [("structure", "subject", "must be an object, not a string")]),
        (RESULT | {"code": [{"text": "x"}]}, [("structure", "code", "must be an object, not an array")]),
        (person(name={"family": "x"}), [("structure", "name", "must be an array, not an object")]),
        (person(name=["x"]), [("structure", "name[0]", "must be an object, not a string")]),
        (person(name=[None]), [("structure", "name[0]", "must be an object, not null")]),
        # nothing that says nothing
        (person(gender=None), [("structure", "gender", NULL)]),
        (person(name=[]), [("structure", "name", EMPTY)]),
        (person(maritalStatus={}), [("structure", "maritalStatus", EMPTY)]),
        (person(language=""), [("structure", "language", EMPTY)]),
        # elements that there are not, and those that must be there
        (person(PLANTED=1), [("structure", "", UNKNOWN)]),
        (person(maritalStatus={"coding": [{"PLANTED": 1}]}), [("structure", "maritalStatus.coding[0]", UNKNOWN)]),
        (person(assertedDate="2026"), [("structure", "assertedDate", "is no element of FHIR R4 here")]),
        (person(resource_type="Patient"), [("structure", "", UNKNOWN)]),
        (person(fhir_comments="PLANTED"), [("structure", "", UNKNOWN)]),
        (person(contact=[{"resourceType": "Patient"}]), [("structure", "contact[0]", UNKNOWN)]),
        (
            {"resourceType": "Encounter", "status": "finished", "class_fhir": {"code": "AMB"}},
            [("structure", "", UNKNOWN), ("required", "class", "is required")],
        ),
        (
            {"resourceType": "MedicationRequest", "subject": {"reference": 5}},
            [
                ("structure", "subject.reference", "must be a string, not a number"),
                ("required", "intent", "is required"),
                ("required", "status", "is required"),
                (
                    "required",
                    "medication",
                    "is required, as one of medicationCodeableConcept, medicationReference",
                ),
            ],
        ),
        (
            ORDER | {"medicationReference": {"reference": "Medication/1"}},
            [
                (
                    "structure",
                    "medicationReference",
                    "stands beside medicationCodeableConcept; only one of them may be there",
                )
            ],
        ),
        ({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:x"}]}, [("required", "type", "is required")]),
        # forms
        (person(id="x" * 65), [("value", "id", NO_ID)]),
        (person(id="PLANTED/1"), [("value", "id", NO_ID)]),
        (person(birthDate="PLANTED"), [("value", "birthDate", NO_DAY)]),
        (person(birthDate="2026-13-01"), [("value", "birthDate", NO_DAY)]),
        (RESULT | {"effectiveDateTime": "2026-03-01T10:00:00"}, [("value", "effectiveDateTime", NO_MOMENT)]),
        (
            RESULT | {"meta": {"lastUpdated": "2026-03-01"}},
            [("value", "meta.lastUpdated", "is not an instant: a day with time, seconds and time zone")],
        ),
        (
            {"resourceType": "Bundle", "type": "searchset", "total": -1},
            [("value", "total", "is no unsignedInt as FHIR has it")],
        ),
        # types that there are not
        ({"resourceType": "PLANTED"}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        ({"resourceType": "os.path"}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        ({"resourceType": "HumanName"}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        ({"resourceType": "Code"}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        ({"resourceType": 5}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        ({}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        ({"resourceType": "ProcedureRequest"}, [("structure", "resourceType", "is no resource type of FHIR R4")]),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": {"resourceType": "PLANTED"}}]},
            [("structure", "", "holds a resource of no known type")],
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(models: FhirModels, resource: dict[str, Any], wanted: Told) -> None:
    found = told(models, resource)
    assert found == wanted
    assert "PLANTED" not in str(found)


@pytest.mark.parametrize(
    ("version", "resource", "wanted"),
    [
        ("STU3", {"resourceType": "ProcedureRequest", "status": "active", "intent": "order", "code": {"text": "x"},
                  "subject": PERSON}, []),
        ("R5", VISIT | {"status": "completed", "class": [{"text": "x"}]}, []),
        ("R5", VISIT | {"status": "completed"}, [("structure", "class", "must be an array, not an object")]),
        ("R5", ORDER, [
            ("structure", "medicationCodeableConcept", "is no element of FHIR R5 here"),
            ("required", "medication", "is required"),
        ]),
        ("R5", {"resourceType": "DocumentReference", "status": "current",
                "content": [{"attachment": {"size": "123"}}]}, []),
    ],
)  # fmt: skip
def test_each_version_has_its_own_models(
    models: FhirModels, version: str, resource: dict[str, Any], wanted: Told
) -> None:
    assert told(models, resource, version) == wanted


def test_what_is_nested_too_deeply_is_not_walked(models: FhirModels) -> None:
    assert told(models, nested(DEEPEST)) == []
    (fault,) = told(models, nested(DEEPEST + 1))
    assert (fault[0], fault[2]) == ("too-long", "is nested too deeply")


def test_no_more_than_so_many_faults_of_one_resource_are_told(models: FhirModels) -> None:
    assert len(told(models, person(name=[0] * 100_000))) == MOST_OF_ONE
    timed = {"timing": {"event": ["soon"] * (MOST_OF_ONE + 1)}}
    assert told(models, ORDER | {"dosageInstruction": [timed]}) == [
        ("value", "", f"holds more than {MOST_OF_ONE} values that have not the form of their type")
    ]


def test_no_more_than_so_many_faults_of_a_call_are_told(models: FhirModels) -> None:
    entries = [{"resource": person(gender="x", active="x")}] * MOST_ISSUES
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    assert len(faults("R4", {"patient": bundle}, {}, models.faults)) == MOST_ISSUES


# --- where resources stand in a call ---------------------------------------------------------------------------------


def wheres(models: FhirModels, prefetch: dict[str, Any], context: dict[str, Any] | None = None) -> list[str]:
    return [each.where for each in faults("R4", prefetch, context or {}, models.faults)]


BAD = person(gender="F")


def test_every_resource_of_a_call_is_looked_at_by_itself(models: FhirModels) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "mild", "code": "throttled"}]}
    listed = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [
            {"resource": {"resourceType": "PLANTED"}},
            {"resource": ORDER | {"contained": [BAD]}},
            {"resource": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": BAD}]}},
            {"response": {"status": "404", "outcome": outcome}},
        ],
    }
    drafts = {"resourceType": "Bundle", "entry": [{"resource": BAD}]}
    assert wheres(models, {"patient": BAD, "conditions": listed}, {"draftOrders": drafts}) == [
        "prefetch.patient.gender",
        "prefetch.conditions.entry[0].resource.resourceType",
        "prefetch.conditions.entry[1].resource.contained[0].gender",
        "prefetch.conditions.entry[2].resource.entry[0].resource.gender",
        "prefetch.conditions.entry[3].response.outcome.issue[0].severity",
        "context.draftOrders.type",
        "context.draftOrders.entry[0].resource.gender",
    ]


def test_null_is_no_fault_and_anything_else_that_is_no_resource_is(models: FhirModels) -> None:
    assert wheres(models, {"conditions": None}) == []
    for value in ("<html>", [person()], 5, True, []):
        (issue,) = faults("R4", {"conditions": value}, {}, models.faults)
        assert (issue.code, issue.where) == ("structure", "prefetch.conditions")
        assert issue.text == "must be one FHIR resource, such as a Bundle, or null"
    assert wheres(models, {"conditions": {}}) == ["prefetch.conditions.resourceType"]


def test_a_key_that_no_service_asks_for_is_named_by_its_place(models: FhirModels) -> None:
    found = wheres(models, {"conditions": None, "PLANTED": BAD}, {"userId": "u", "PLANTED": BAD})
    assert found == ["prefetch[1].gender", "context[1].gender"]


def test_what_was_fetched_is_said_to_be(models: FhirModels) -> None:
    found = faults("R4", {"patient": BAD, "conditions": BAD}, {}, models.faults, {"conditions"})
    assert [each.text.endswith(f"; {FETCHED}") for each in found] == [False, True]


def test_pages_that_were_joined_are_looked_at_one_by_one(models: FhirModels) -> None:
    page = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": BAD}]}
    found = faults("R4", {"patient": [page, page | {"total": -2}]}, {}, models.faults, {"patient"})
    assert [each.where for each in found] == [
        "prefetch.patient[0].entry[0].resource.gender",
        "prefetch.patient[1].entry[0].resource.gender",
    ]


def test_an_epic_warning_and_an_empty_list_are_fhir(models: FhirModels) -> None:
    warning = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "processing",
                "details": {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": "4101"}]},
            }
        ],
    }
    listed = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    told_so = listed | {"entry": [{"search": {"mode": "outcome"}, "resource": warning}]}
    assert wheres(models, {"conditions": listed, "labs": told_so, "surveys": warning}) == []


def test_a_contained_resource_holds_no_others(models: FhirModels) -> None:
    drug = {"resourceType": "Medication", "contained": [person()]}
    (issue,) = faults("R4", {"patient": ORDER | {"contained": [drug]}}, {}, models.faults)
    assert issue.where == "prefetch.patient.contained[0].contained"
