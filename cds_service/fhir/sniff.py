"""Tells by its shape which FHIR version a call speaks, where neither the client's entry nor its server says so.

Only the first few resources of each list are looked at, and only for elements that not every version has. Most of a
chart is the same in all of them: without a mark it is R4.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.fhir.bundle import DEEPEST
from cds_service.fhir.shapes import Resource, inside, objects, word

LOOKED_AT = 5  # resources of each list
R4, R5, STU3 = "R4", "R5", "STU3"
_ONLY_R5, _ONLY_STU3, _NOT_STU3, _NOT_R5, _ONLY_R4 = map(frozenset, ({R5}, {STU3}, {R4, R5}, {R4, STU3}, {R4}))
_EVERY = frozenset({R4, R5, STU3})
Versions = frozenset[str]

_STATE: Mapping[str, Versions] = {"assertedDate": _ONLY_STU3, "recordedDate": _NOT_STU3}
_USE: Mapping[str, Versions] = {
    "medication": _ONLY_R5, "medicationCodeableConcept": _NOT_R5, "medicationReference": _NOT_R5, "reason": _ONLY_R5,
}  # fmt: skip
_ORDER: Mapping[str, Versions] = {"context": _ONLY_STU3, "encounter": _NOT_STU3}
# By resource type, the versions that have an element of this name.
# Source: the pages of these resources under https://hl7.org/fhir/STU3/, /R4/ and /R5/
ELEMENTS: Mapping[str, Mapping[str, Versions]] = {
    "Condition": {**_STATE, **_ORDER},
    "AllergyIntolerance": _STATE,
    "MedicationRequest": {**_USE, **_ORDER, "doNotPerform": _NOT_STU3, "effectiveDosePeriod": _ONLY_R5},
    "MedicationStatement": {**_USE, "taken": _ONLY_STU3, "adherence": _ONLY_R5},
    "MedicationDispense": {**_USE, "notDone": _ONLY_STU3},
    "MedicationAdministration": {
        **_USE, "notGiven": _ONLY_STU3, "occurenceDateTime": _ONLY_R5, "occurencePeriod": _ONLY_R5,
        "effectiveDateTime": _NOT_R5, "effectivePeriod": _NOT_R5,
    },
    "Procedure": {
        **_ORDER, "notDone": _ONLY_STU3, "performedDateTime": _NOT_R5, "performedPeriod": _NOT_R5,
        "occurrenceDateTime": _ONLY_R5, "occurrencePeriod": _ONLY_R5,
    },
    "Encounter": {"actualPeriod": _ONLY_R5, "period": _NOT_R5, "admission": _ONLY_R5, "reasonCode": _ONLY_R4},
    "Observation": {**_ORDER, "valueInteger": _NOT_STU3},
    "QuestionnaireResponse": _ORDER,
    "ServiceRequest": {"reasonCode": _ONLY_R4, "reasonReference": _ONLY_R4, "reason": _ONLY_R5},
}  # fmt: skip
KINDS: Mapping[str, Versions] = {
    "ProcedureRequest": _ONLY_STU3, "ReferralRequest": _ONLY_STU3, "ServiceRequest": _NOT_STU3,
}  # fmt: skip

_MOVED = "http://terminology.hl7.org/"
_BEFORE = frozenset({"http://hl7.org/fhir/condition-category", "http://hl7.org/fhir/observation-category"})


@dataclass(frozen=True, slots=True)
class Shape:
    """read: the version to read as; it reads R4's spelling too. write: R4 where marks contradict each other.

    possible: the versions that no mark speaks against; none where marks contradict each other.
    """

    read: str = R4
    write: str = R4
    possible: Versions = field(default=_EVERY, compare=False)


def sniff(context: Any, prefetch: Any) -> Shape:
    """Tell the version of a call by the first resources of each list and of the draft orders."""
    lists = [*prefetch.values()] if isinstance(prefetch, dict) else []
    lists.append(inside(context, "draftOrders"))
    possible, told = _EVERY, {_EVERY}
    for value in lists:
        for resource in _first(value) if value is not None else ():
            found = versions_of(resource)
            if found not in told:
                possible &= found
                told.add(found)
    read = R5 if _ONLY_R5 in told else STU3 if _ONLY_STU3 in told else R4
    return Shape(read, read if read in possible else R4, possible)


def versions_of(resource: Resource) -> Versions:
    """Give the versions that a resource can be of; a resource of no version says nothing."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        return _EVERY
    found = KINDS.get(kind, _EVERY)
    elements = ELEMENTS.get(kind)
    if elements is None:
        return found
    if not elements.keys().isdisjoint(resource):
        for name in elements.keys() & resource.keys():
            found &= elements[name]
    if kind in _BY_VALUE:
        found &= _BY_VALUE[kind](resource)
    category = resource.get("category")
    if category is not None:
        found &= _by_category(category)
    return found or _EVERY


def _state(resource: Resource) -> Versions:
    """Tell by a state: bare strings were STU3's."""
    for name in ("clinicalStatus", "verificationStatus"):
        value = resource.get(name)
        if value is not None:
            return _ONLY_STU3 if isinstance(value, str) else _NOT_STU3
    return _EVERY


def _encounter(resource: Resource) -> Versions:
    value = resource.get("class")
    return _EVERY if value is None else _ONLY_R5 if isinstance(value, list) else _NOT_R5


def _service_request(resource: Resource) -> Versions:
    value = resource.get("code")
    return _EVERY if not isinstance(value, dict) else _ONLY_R5 if "concept" in value else _ONLY_R4


_BY_VALUE: Mapping[str, Callable[[Resource], Versions]] = {
    "Condition": _state,
    "AllergyIntolerance": _state,
    "MedicationStatement": lambda it: _ONLY_R5 if word(it.get("status")) == "recorded" else _EVERY,
    "MedicationRequest": lambda it: _EVERY if inside(it, "requester", "agent") is None else _ONLY_STU3,
    "Encounter": _encounter,
    "ServiceRequest": _service_request,
}


def _by_category(value: Any) -> Versions:
    """Tell by the code system of a category: HL7 moved its systems with R4."""
    try:  # nearly every record says it in this way
        system = value[0]["coding"][0]["system"]
    except (KeyError, TypeError, IndexError):
        coding = objects(next(iter(objects(value)), {}).get("coding"))
        system = coding[0].get("system") if coding else None
    if not isinstance(system, str):
        return _EVERY
    return _NOT_STU3 if system.startswith(_MOVED) else _ONLY_STU3 if system in _BEFORE else _EVERY


def _first(value: Any, depth: int = 0) -> Iterator[Resource]:
    """Give the first resources of a Bundle, of an array of resources or of Bundles, or the one resource itself."""
    if isinstance(value, dict) and value.get("resourceType") == "Bundle":
        entries = value.get("entry")
        value = [inside(each, "resource") for each in entries[:LOOKED_AT]] if isinstance(entries, list) else []
    for each in value[:LOOKED_AT] if isinstance(value, list) else (value,):
        if isinstance(each, dict):
            if each.get("resourceType") == "Bundle" and depth < DEEPEST:
                yield from _first(each, depth + 1)
            else:
                yield each
