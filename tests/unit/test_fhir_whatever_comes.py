"""Whatever stands in a call, reading it raises nothing but the caller's fault, and loses nothing in silence."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.core.facts import FACTS, Needs
from cds_service.core.problem import RequestProblem
from cds_service.fhir.prefetch import PREFETCH
from tests.unit.fhir_calls import CODED, DRUG_CODE, KEY_OF, LOINC, PATIENT, bundle, read, resource

KEYS = [*PREFETCH, "-extra"]
WORDS = """
    resourceType id meta security code coding system text display status subject patient reference entry resource link
    relation issue severity period start end value valueQuantity valueString unit contained item answer linkId
    component category dosageInstruction effectivePeriod onsetAge extension url
"""
NAMES = st.sampled_from(WORDS.split())
TEXTS = st.sampled_from(
    ["", " ", "Bundle", "Observation", "Condition", "MedicationRequest", "Patient/p1", "active", "final", "#x",
     "x" * 9000, "2026-02-30", "2026", "9999-12-31T23:59:60+99:99", "0000", "0001-01-01T00:00:00+14:00", "\ud800",
     "<5", "1e400"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(10**400)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)

COMMON = {"meta": {"lastUpdated": "2026-01-01T00:00:00Z", "security": [{"code": "R"}]}, "category": [CODED]}
DOSAGE = [{"timing": {"repeat": {"boundsPeriod": {"start": "2026-01-01", "end": "2026-02-01"}}}}]
VALID = [
    resource("Condition", clinicalStatus={"coding": [{"code": "active"}]}, onsetAge={"value": 3, "code": "a"},
             abatementDateTime="2026", recordedDate="2025-01-01", **COMMON),
    resource("AllergyIntolerance", reaction=[{"substance": CODED}], onsetDateTime="2025", **COMMON),
    resource("MedicationRequest", status="active", intent="order", authoredOn="2026-01-01", dosageInstruction=DOSAGE,
             reasonCode=[CODED], encounter={"reference": "Encounter/1"}, **COMMON,
             dispenseRequest={"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 1}),
    resource("MedicationStatement", status="active", effectivePeriod={"start": "2026", "end": "2026"}, **COMMON,
             medicationCodeableConcept=None, medicationReference={"reference": "#m", "display": "x"},
             contained=[{"resourceType": "Medication", "id": "m", "ingredient": [{"itemCodeableConcept": DRUG_CODE}]}]),
    resource("MedicationDispense", status="completed", whenHandedOver="2026-01-01", daysSupply={"value": 28}, **COMMON),
    resource("MedicationAdministration", status="completed", effectiveDateTime="2026-01-01", **COMMON),
    resource("Observation", status="final", effectiveDateTime="2026-01-01", **COMMON,
             valueQuantity={"value": 5, "comparator": "<", "unit": "U/L"}, referenceRange=[{"high": {"value": 4}}],
             interpretation=[CODED], component=[{"code": CODED, "valueString": "12"}]),
    resource("QuestionnaireResponse", status="completed", authored="2026-01-01", questionnaire=f"{LOINC}/q/44249-1",
             item=[{"linkId": "/44249-1", "answer": [{"valueInteger": 3, "item": [{"linkId": "total"}]}]}]),
    resource("Procedure", status="completed", performedPeriod={"start": "2026-01-01"}, statusReason=CODED, **COMMON),
    resource("Encounter", status="finished", period={"start": "2026-01-01"}, type=[CODED], **{"class": CODED}),
    resource("ServiceRequest", status="active", authoredOn="2026-01-01", doNotPerform=False, **COMMON),
    resource("CarePlan", status="active", created="2026-01-01", activity=[{"detail": {"code": CODED}}], **COMMON),
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a resource where something stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*path, name)
        yield from places(each, (*path, name))


def changed(whole: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with something else in one place."""
    whole = copy.deepcopy(whole)
    holder: Any = whole
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    return whole


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(KEYS), value=ANYTHING)
def test_anything_under_a_key_is_read_or_is_the_callers_fault(key: str, value: Any) -> None:
    try:
        chart = read({key: value})
    except RequestProblem:
        assert key == "patient"
    else:
        assert chart.patient.reference == "Patient/p1"


@settings(max_examples=75, deadline=None)
@given(context=ANYTHING, drafts=ANYTHING, selections=ANYTHING, stay=ANYTHING)
def test_any_context_is_read_or_is_the_callers_fault(context: Any, drafts: Any, selections: Any, stay: Any) -> None:
    whole = {"patientId": "p1", "draftOrders": drafts, "selections": selections, "encounterId": stay}
    assert read(hook="order-select", context=whole).hook == "order-select"
    with pytest.raises(RequestProblem):
        read(hook="order-select", context=context)


PARTS = [
    (each, path) for each in VALID for path in places(each) if path[0] not in ("resourceType", "subject", "patient")
]


@settings(max_examples=400, deadline=None)
@given(part=st.sampled_from(PARTS), value=ANYTHING)
def test_a_resource_with_one_wrong_part_is_never_lost_in_silence(part: Any, value: Any) -> None:
    valid, path = part
    kind = valid["resourceType"]
    chart = read({KEY_OF[kind]: bundle(changed(valid, path, value))})
    fact = "medication-use" if kind.startswith("Medication") else kind
    answered = kind != "QuestionnaireResponse" or chart.counts.get(fact)
    assert chart.rows.get(fact) or chart.dropped or not answered


@settings(max_examples=75, deadline=None)
@given(data=st.data())
def test_a_draft_with_one_wrong_part_is_never_lost_in_silence(data: st.DataObject) -> None:
    valid = next(each for each in VALID if each["resourceType"] == "MedicationRequest")
    path = data.draw(st.sampled_from([each for each in places(valid) if each[0] != "resourceType"]))
    draft = changed(valid, path, data.draw(ANYTHING))
    chart = read(hook="order-sign", context={"patientId": "p1", "draftOrders": bundle(draft)})
    assert chart.rows.get("draft-order") or chart.gaps.get("draft-order")


@pytest.mark.parametrize("path", list(places(PATIENT)))
@settings(max_examples=10, deadline=None)
@given(value=ANYTHING)
def test_a_patient_with_one_wrong_part_is_read_or_refused(path: Any, value: Any) -> None:
    patient = changed(PATIENT, path, value)
    if (patient["id"], patient["resourceType"]) == ("p1", "Patient"):
        assert read({"patient": patient}).patient.fact == "Patient"
    else:
        with pytest.raises(RequestProblem):
            read({"patient": patient})


def deep(name: str) -> Any:
    value: Any = {"text": "end"}
    for _ in range(190):  # as deep as strict JSON lets through
        value = {name: [value]}
    return value


@pytest.mark.parametrize("name", ["entry", "resource", "coding", "item", "answer", "code", "component", "contained"])
def test_deep_nesting_is_no_danger(name: str) -> None:
    for each in VALID:
        assert read({KEY_OF[each["resourceType"]]: bundle({**each, name: deep(name)})}).hook == "patient-view"


def test_a_drug_whose_ingredients_branch_without_end_is_read_in_bounds() -> None:
    ingredients = [{"itemReference": {"reference": "#m"}}] * 50
    order = resource("MedicationRequest", medicationCodeableConcept=None, medicationReference={"reference": "#m"},
                     contained=[{"resourceType": "Medication", "id": "m", "ingredient": ingredients}])  # fmt: skip
    assert not read({"medicationRequests": [order]}).rows["medication-use"][0].concept.readable


def test_every_resource_is_counted_whether_or_not_a_rule_needs_it() -> None:
    lists: dict[str, list[Any]] = {}
    for each in VALID:
        lists.setdefault(KEY_OF[each["resourceType"]], []).append(each)
    nothing_needed = Needs({}, frozenset())
    assert read(lists).counts == read(lists, needs=nothing_needed).counts
    assert set(read(lists).counts) == set(FACTS) - {"this-encounter", "draft-order"}


def test_many_selections_and_many_drafts_are_not_compared_one_by_one() -> None:
    drafts = bundle(*(resource("MedicationRequest", id=str(number)) for number in range(3000)))
    context = {"patientId": "p1", "draftOrders": drafts, "selections": [f"MedicationRequest/{n}" for n in range(3000)]}
    rows = read(hook="order-select", context=context).rows["draft-order"]
    assert {row.status for row in rows} == {"selected"}
