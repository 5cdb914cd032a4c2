"""The codes that FHIR itself requires in elements that the reader looks at, by version.

Only bindings of strength `required` stand here: whoever breaks one does not send FHIR. R4 also stands for R4B.
Where a code system of terminology.hl7.org has grown since R4, its later codes count too, because R4's value sets take
the whole system and name no version of it.
Source: the page of each resource under https://hl7.org/fhir/R4/, /R5/ and /STU3/, column "Binding"
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.core.problem import Issue
from cds_service.fhir.shapes import Resource, objects

R4, R5, STU3 = "R4", "R5", "STU3"


@dataclass(frozen=True, slots=True)
class Binding:
    """What an element must hold: one of `codes`, in a CodeableConcept as a coding of `system`."""

    codes: tuple[str, ...]
    system: str = ""


Bindings = Mapping[str, Binding]  # by path below the resource, as "reaction.severity"


def _code(words: str) -> Binding:
    return Binding(tuple(words.split()))


def _concept(name: str, *words: str) -> Binding:
    return Binding(tuple(" ".join(words).split()), f"http://terminology.hl7.org/CodeSystem/{name}")


_PRIORITY = _code("routine urgent asap stat")
_REQUEST = _code("draft active on-hold revoked completed entered-in-error unknown")
_REQUEST_STU3 = _code("draft active suspended cancelled completed entered-in-error unknown")
_INTENT = _code("proposal plan directive order original-order reflex-order filler-order instance-order option")
_INTENT_STU3 = _code("proposal plan order original-order reflex-order filler-order instance-order option")
_EVENT = _code("preparation in-progress not-done on-hold stopped completed entered-in-error unknown")
_VISIT = _code("planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown")
_PLACE = _code("planned active reserved completed")
_COMPARATOR, _COMPARATOR_R5 = _code("< <= >= >"), _code("< <= >= > ad")
_STOCK = _code("active inactive entered-in-error")
_LIST = "document message transaction transaction-response batch batch-response history searchset collection"
_ISSUE_STU3 = (
    "invalid structure required value invariant security login unknown expired forbidden suppressed processing "
    "not-supported duplicate not-found too-long code-invalid extension too-costly business-rule conflict transient "
    "lock-error no-store exception timeout incomplete throttled informational"
)
_ISSUE = f"{_ISSUE_STU3} multiple-matches deleted"

_CONDITION: Bindings = {
    "clinicalStatus": _concept(
        "condition-clinical", "active recurrence", "relapse", "inactive remission resolved unknown"
    ),
    "verificationStatus": _concept(
        "condition-ver-status", "unconfirmed provisional differential confirmed refuted entered-in-error"
    ),
}  # fmt: skip
_REACTION: Bindings = {
    "category": _code("food medication environment biologic"),
    "criticality": _code("low high unable-to-assess"),
    "reaction.severity": _code("mild moderate severe"),
}
_ALLERGY: Bindings = {
    **_REACTION,
    "clinicalStatus": _concept("allergyintolerance-clinical", "active inactive resolved"),
    "verificationStatus": _concept(
        "allergyintolerance-verification", "unconfirmed presumed confirmed refuted entered-in-error"
    ),
}
_ALLERGY_TYPE: Bindings = {"type": _code("allergy intolerance")}
_PATIENT: Bindings = {
    "gender": _code("male female other unknown"),
    "link.type": _code("replaced-by replaces refer seealso"),
}
_ANSWERS: Bindings = {"status": _code("in-progress completed amended entered-in-error stopped")}


def _observation(comparator: Binding) -> Bindings:
    return {
        "status": _code("registered preliminary final amended corrected cancelled entered-in-error unknown"),
        "valueQuantity.comparator": comparator,
        "component.valueQuantity.comparator": comparator,
    }


def _bundle(types: str) -> Bindings:
    return {"type": _code(types), "entry.search.mode": _code("match include outcome")}


def _outcome(severities: str, types: str) -> Bindings:
    return {"issue.severity": _code(severities), "issue.code": _code(types)}


# By version and resource type. ANY holds for every type.
ANY = "*"
_ALL: Mapping[str, Bindings] = {ANY: {"text.status": _code("generated extensions additional empty")}}
REQUIRED: Mapping[str, Mapping[str, Bindings]] = {
    R4: {
        **_ALL,
        "AllergyIntolerance": {**_ALLERGY, **_ALLERGY_TYPE},
        "Bundle": _bundle(_LIST),
        "CarePlan": {
            "status": _REQUEST,
            "intent": _code("proposal plan order option"),
            "activity.detail.status": _code(
                "not-started scheduled in-progress on-hold completed cancelled stopped unknown entered-in-error"
            ),
        },
        "Condition": _CONDITION,
        "Encounter": {"status": _VISIT, "statusHistory.status": _VISIT, "location.status": _PLACE},
        "Medication": {"status": _STOCK},
        "MedicationAdministration": {
            "status": _code("in-progress not-done on-hold completed entered-in-error stopped unknown")
        },
        "MedicationDispense": {
            "status": _code(
                "preparation in-progress cancelled on-hold completed entered-in-error stopped declined unknown"
            )
        },
        "MedicationRequest": {
            "status": _code("active on-hold cancelled completed entered-in-error stopped draft unknown"),
            "intent": _INTENT_STU3,
            "priority": _PRIORITY,
        },
        "MedicationStatement": {
            "status": _code("active completed entered-in-error intended stopped on-hold unknown not-taken")
        },
        "Observation": _observation(_COMPARATOR),
        "OperationOutcome": _outcome("fatal error warning information", _ISSUE),
        "Patient": _PATIENT,
        "Procedure": {"status": _EVENT},
        "QuestionnaireResponse": _ANSWERS,
        "ServiceRequest": {"status": _REQUEST, "intent": _INTENT, "priority": _PRIORITY},
    },
    R5: {
        **_ALL,
        "AllergyIntolerance": _ALLERGY,
        "Bundle": _bundle(f"{_LIST} subscription-notification"),
        "CarePlan": {"status": _REQUEST, "intent": _code("proposal plan order option directive")},
        "Condition": _CONDITION,
        "Encounter": {
            "status": _code(
                "planned in-progress on-hold discharged completed cancelled discontinued entered-in-error unknown"
            ),
            "location.status": _PLACE,
        },
        "Medication": {"status": _STOCK},
        "MedicationAdministration": {
            "status": _code("in-progress not-done on-hold completed entered-in-error stopped unknown")
        },
        "MedicationDispense": {
            "status": _code(
                "preparation in-progress cancelled on-hold completed entered-in-error stopped declined unknown"
            )
        },
        "MedicationRequest": {
            "status": _code("active on-hold ended stopped completed cancelled entered-in-error draft unknown"),
            "intent": _INTENT_STU3,
            "priority": _PRIORITY,
        },
        "MedicationStatement": {"status": _code("recorded entered-in-error draft")},
        "Observation": _observation(_COMPARATOR_R5),
        "OperationOutcome": _outcome("fatal error warning information success", f"{_ISSUE} limited-filter success"),
        "Patient": _PATIENT,
        "Procedure": {"status": _EVENT},
        "QuestionnaireResponse": _ANSWERS,
        "ServiceRequest": {"status": _REQUEST, "intent": _INTENT, "priority": _PRIORITY},
    },
    STU3: {
        **_ALL,
        "AllergyIntolerance": {
            **_REACTION,
            **_ALLERGY_TYPE,
            "clinicalStatus": _code("active inactive resolved"),
            "verificationStatus": _code("unconfirmed confirmed refuted entered-in-error"),
        },
        "Bundle": _bundle(_LIST),
        "CarePlan": {
            "status": _REQUEST_STU3,
            "intent": _code("proposal plan order option"),
            "activity.detail.status": _code(
                "not-started scheduled in-progress on-hold completed cancelled unknown"
            ),
        },
        "Condition": {
            "clinicalStatus": _code("active recurrence inactive remission resolved"),
            "verificationStatus": _code("provisional differential confirmed refuted entered-in-error unknown"),
        },
        "Encounter": {"status": _VISIT, "statusHistory.status": _VISIT, "location.status": _PLACE},
        "Medication": {"status": _STOCK},
        "MedicationAdministration": {
            "status": _code("in-progress on-hold completed entered-in-error stopped unknown")
        },
        "MedicationDispense": {
            "status": _code("preparation in-progress on-hold completed entered-in-error stopped")
        },
        "MedicationRequest": {
            "status": _code("active on-hold cancelled completed entered-in-error stopped draft unknown"),
            "intent": _code("proposal plan order instance-order"),
            "priority": _PRIORITY,
        },
        "MedicationStatement": {
            "status": _code("active completed entered-in-error intended stopped on-hold"),
            "taken": _code("y n unk na"),
        },
        "Observation": _observation(_COMPARATOR),
        "OperationOutcome": _outcome("fatal error warning information", _ISSUE_STU3),
        "Patient": _PATIENT,
        "Procedure": {
            "status": _code("preparation in-progress suspended aborted completed entered-in-error unknown")
        },
        "ProcedureRequest": {"status": _REQUEST_STU3, "intent": _INTENT_STU3, "priority": _PRIORITY},
        "QuestionnaireResponse": _ANSWERS,
        "ReferralRequest": {"status": _REQUEST_STU3, "intent": _INTENT_STU3, "priority": _PRIORITY},
    },
}  # fmt: skip


def unbound(version: str, resource: Resource) -> Iterator[Issue]:
    """Name the elements of a resource whose code is not one that FHIR requires there; `where` starts below it.

    What has not the shape of a code or a CodeableConcept is left to others. No code that came is repeated.
    """
    of_type = REQUIRED[version].get(str(resource.get("resourceType")), {})
    for path, binding in (*REQUIRED[version][ANY].items(), *of_type.items()):
        for where, value in _at(resource, path.split("."), ""):
            if fault := _fault(value, binding):
                yield Issue("code-invalid", where, fault)


def _at(value: Any, path: list[str], where: str) -> Iterator[tuple[str, Any]]:
    """Every value at a path, with where it stands; elements of a list by their place."""
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _at(each, path, f"{where}[{place}]")
    elif not path:
        yield where, value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:], f"{where}.{path[0]}".lstrip("."))


def _fault(value: Any, binding: Binding) -> str:
    """Say what is wrong with a code or a CodeableConcept; "" when nothing is."""
    listed = ", ".join(binding.codes)
    if not binding.system:
        if not isinstance(value, str) or value in binding.codes:
            return ""
        slip = "; codes are written in small letters and without blanks" if _spelt(value, binding) else ""
        return f"is none of {listed}{slip}"
    if not isinstance(value, dict):
        return ""
    codings = objects(value.get("coding"))
    if any(each.get("system") == binding.system and each.get("code") in binding.codes for each in codings):
        return ""
    if not codings and value.get("extension"):  # it says why there is no code
        return ""
    slip = "; a code of that name is there, of another system" if _known(codings, binding) else ""
    return f"holds no code of {binding.system}, which has {listed}{slip}"


def _spelt(value: str, binding: Binding) -> bool:
    return value.strip().lower() in binding.codes


def _known(codings: Any, binding: Binding) -> bool:
    return any(isinstance(each.get("code"), str) and each["code"] in binding.codes for each in codings)
