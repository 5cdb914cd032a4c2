"""The codes that FHIR requires: each table is that of its version, refuses what it should and repeats nothing."""

from typing import Any

import pytest

from cds_service.core.problem import Issue
from cds_service.edges.fhir_models import FhirModels, shape_of
from cds_service.fhir.bindings import ANY, REQUIRED, Binding, unbound

PLANTED = "planted-code"
CASES = [
    pytest.param(version, kind, path, binding, id=f"{version}-{kind}.{path}")
    for version, types in REQUIRED.items()
    for kind, bindings in types.items()
    for path, binding in bindings.items()
]
# Where the library's list is not that of the value set: it is cut from a line of the resource's page, which is shorter.
# Source: https://hl7.org/fhir/STU3/valueset-request-status.html, .../R5/valueset-search-entry-mode.html
SHORTER_IN_LIBRARY = {
    ("STU3", "ProcedureRequest", "status"): {"unknown"},
    ("STU3", "ReferralRequest", "intent"): {
        "original-order",
        "reflex-order",
        "filler-order",
        "instance-order",
        "option",
    },
    ("R5", "Bundle", "entry.search.mode"): {"outcome"},
}


@pytest.fixture(scope="module")
def models() -> FhirModels:
    return FhirModels(REQUIRED)


def of(kind: str) -> str:
    return "Basic" if kind == ANY else kind


def holding(kind: str, path: str, value: Any) -> dict[str, Any]:
    """A resource with a value at a path, every element but the last in a list."""
    first, *others = path.split(".")
    for name in reversed(others):
        value = [{name: value}]
    return {"resourceType": of(kind), first: value}


def place(path: str) -> str:
    return "[0].".join(path.split("."))


def held(binding: Binding, code: str, system: str | None = None) -> Any:
    return {"coding": [{"system": system or binding.system, "code": code}]} if binding.system else code


def found(version: str, resource: dict[str, Any]) -> list[Issue]:
    return list(unbound(version, resource))


@pytest.mark.parametrize(("version", "kind", "path", "binding"), CASES)
def test_every_code_of_a_binding_is_taken(version: str, kind: str, path: str, binding: Binding) -> None:
    for code in binding.codes:
        assert found(version, holding(kind, path, held(binding, code))) == []


@pytest.mark.parametrize(("version", "kind", "path", "binding"), CASES)
def test_another_code_is_named_by_its_place_and_not_repeated(
    version: str, kind: str, path: str, binding: Binding
) -> None:
    (issue,) = found(version, holding(kind, path, held(binding, PLANTED)))
    assert (issue.code, issue.where) == ("code-invalid", place(path))
    assert ", ".join(binding.codes) in issue.text
    assert PLANTED not in issue.text


@pytest.mark.parametrize(("version", "kind", "path", "binding"), CASES)
def test_the_path_of_a_binding_is_in_the_version(
    version: str, kind: str, path: str, binding: Binding, models: FhirModels
) -> None:
    model = models.model(version, of(kind))
    for name in path.split("."):
        assert model is not None
        slot = shape_of(model).slots[name]
        model = slot.model
    assert (slot.form == "Code") is (binding.system == "")
    assert model is None or model.__name__ == "CodeableConcept"


@pytest.mark.parametrize(("version", "kind", "path", "binding"), CASES)
def test_a_table_is_what_the_library_lists(
    version: str, kind: str, path: str, binding: Binding, models: FhirModels
) -> None:
    model = models.model(version, of(kind))
    *above, last = path.split(".")
    for name in above:
        assert model is not None
        model = shape_of(model).slots[name].model
    assert model is not None
    info = next(each for name, each in model.model_fields.items() if (each.alias or name) == last)
    listed = (info.json_schema_extra or {}).get("enum_values")  # type: ignore[union-attr]
    if not isinstance(listed, list) or "+" in listed:  # none, or a line that ends "and so on"
        return
    assert set(binding.codes) - set(listed) == SHORTER_IN_LIBRARY.get((version, kind, path), set())
    assert set(listed) <= set(binding.codes)


def test_a_code_in_capitals_is_refused_and_the_slip_is_named() -> None:
    (issue,) = found("R4", {"resourceType": "MedicationRequest", "status": " ACTIVE"})
    assert issue.text.endswith("unknown; codes are written in small letters and without blanks")


def test_a_known_code_of_another_system_is_refused_and_the_slip_is_named() -> None:
    status = {"coding": [{"system": "http://hl7.org/fhir/condition-clinical", "code": "active"}]}
    (issue,) = found("R4", {"resourceType": "Condition", "clinicalStatus": status})
    assert issue.where == "clinicalStatus"
    assert issue.text.endswith("; a code of that name is there, of another system")


@pytest.mark.parametrize(
    ("status", "faults"),
    [
        ({"text": "Active"}, 1),
        ({}, 1),
        ({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "x"}]}, 0),
        (
            {"coding": [{"code": "local"}, held(REQUIRED["R4"]["Condition"]["clinicalStatus"], "active")["coding"][0]]},
            0,
        ),
        ("active", 0),  # of the wrong type, which others tell
        (None, 0),
        ({"coding": "active"}, 1),
    ],
)
def test_one_coding_of_the_system_is_enough_and_text_alone_is_not(status: Any, faults: int) -> None:
    assert len(found("R4", {"resourceType": "Condition", "clinicalStatus": status})) == faults


def test_versions_differ_where_the_standard_does() -> None:
    stopped = {"resourceType": "MedicationStatement", "status": "stopped"}
    assert [len(found(version, stopped)) for version in ("R4", "R5", "STU3")] == [0, 1, 0]
    suspended = {"resourceType": "CarePlan", "status": "suspended"}
    assert [len(found(version, suspended)) for version in ("R4", "R5", "STU3")] == [1, 1, 0]
    lowered = {"resourceType": "Observation", "valueQuantity": {"comparator": "ad"}}
    assert [len(found(version, lowered)) for version in ("R4", "R5", "STU3")] == [1, 0, 1]


def test_elements_in_lists_are_named_by_their_places() -> None:
    reactions = [{"severity": "mild"}, {"severity": PLANTED}]
    allergy = {"resourceType": "AllergyIntolerance", "category": ["food", PLANTED], "reaction": reactions}
    assert [each.where for each in found("R4", allergy)] == ["category[1]", "reaction[1].severity"]
