"""FHIR R5: what it calls the elements that R4 readers read, and its own status words.

docs/reference/fhir-reading.md tells in words what differs. Condition, Observation, QuestionnaireResponse and
AllergyIntolerance are read as in R4: what R5 changed in them is not read.
Source: https://hl7.org/fhir/R5/resourcelist.html
"""

from collections.abc import Mapping
from typing import Any

from cds_service.fhir import r4
from cds_service.fhir.shapes import Resource, codes, inside, objects, word
from cds_service.fhir.spelling import Spelling, concepts, parted, references, renamed, reworded

READERS, FACT, START, DRAFTS = r4.READERS, r4.FACT, r4.START, r4.DRAFTS
entered_in_error, can_be_renewed = r4.entered_in_error, r4.can_be_renewed
draft_concept, draft_is_stopped = r4.draft_concept, r4.draft_is_stopped
TYPES: Mapping[str, tuple[str, ...]] = {}
# R4's parameter `effective-time` is R5's `date`. Source: https://hl7.org/fhir/R5/medicationadministration-search.html
QUERIES: Mapping[str, str] = {
    "medicationAdministrations": "MedicationAdministration?patient={{context.patientId}}&_sort=-date&_count=300"
}
# Types of R5 alone that can neither order nor hold a drug.
BESIDE = r4.BESIDE | {"BodyStructure", "GenomicStudy", "ImagingSelection", "DeviceAssociation", "Requirements"}

REQUEST = {"ended": "completed"}
# What the person does, as R4's status of a statement says it; a recorded entry that does not say is one that is taken.
# Source: https://hl7.org/fhir/R5/codesystem-medication-statement-adherence.html
ADHERENCE = {
    "taking": "active", "taking-as-directed": "active", "taking-not-as-directed": "active",
    "on-hold": "on-hold", "on-hold-as-directed": "on-hold", "on-hold-not-as-directed": "on-hold",
    "stopped": "stopped", "stopped-as-directed": "stopped", "stopped-not-as-directed": "stopped",
    "not-taking": "not-taken",
}  # fmt: skip
RECORDED, DRAFT = "recorded", "draft"
_REASON = ("reason", "reasonCode", "reasonReference")
_DRUG = ("medication", "medicationCodeableConcept", "medicationReference")
_OCCURRED = ("DateTime", "Period", "Timing", "String", "Age", "Range")


def _request(resource: Resource) -> Resource:
    """MedicationRequest: effectiveDosePeriod is the time over which all dosages together run."""
    told = parted(parted(renamed(resource, {}), *_DRUG), *_REASON)
    if told.get("effectiveDosePeriod") is not None:
        told["dosageInstruction"] = [{"timing": {"repeat": {"boundsPeriod": told["effectiveDosePeriod"]}}}]
    return reworded(told, REQUEST)


def _statement(resource: Resource) -> Resource:
    """MedicationStatement: `status` speaks of the record, `adherence` of the person."""
    told = parted(parted(renamed(resource, {}), *_DRUG), *_REASON)
    status = word(told.get("status"))
    if status == DRAFT:
        told["status"] = "intended"
    elif status == RECORDED:
        said = inside(told, "adherence", "code")
        told["status"] = "active" if said is None else _adherence(said)
    if told.get("statusReason") is None and inside(told, "adherence", "reason") is not None:
        told["statusReason"] = told["adherence"]["reason"]
    return told


def _adherence(said: Any) -> str:
    """Give R4's status for an adherence code; unknown when codes contradict each other.

    Not taking has on hold and stopped below it, so that beside one of these it says nothing more.
    """
    found = {ADHERENCE[code] for code in codes(said) if code in ADHERENCE}
    if found - {"not-taken"} in ({"on-hold"}, {"stopped"}):
        found.discard("not-taken")
    return found.pop() if len(found) == 1 else "unknown"


def _dispense(resource: Resource) -> Resource:
    return parted(parted(renamed(resource, {}), *_DRUG), "notPerformedReason", "statusReason")


def _administration(resource: Resource) -> Resource:
    """MedicationAdministration: R5 itself writes `occurence`; the right spelling is taken too."""
    names = {f"{stem}{form}": f"effective{form}" for stem in ("occurence", "occurrence") for form in _OCCURRED}
    return parted(parted(renamed(resource, {"encounter": "context", **names}), *_DRUG), *_REASON)


def _medication(resource: Resource) -> Resource:
    told = renamed(resource, {})
    item = ("item", "itemCodeableConcept", "itemReference")
    told["ingredient"] = [parted(renamed(each, {}), *item) for each in objects(told.get("ingredient"))]
    return told


def _procedure(resource: Resource) -> Resource:
    return parted(renamed(resource, {f"occurrence{form}": f"performed{form}" for form in _OCCURRED}), *_REASON)


def _encounter(resource: Resource) -> Resource:
    """Encounter: reasons and services may be references; of a service only its words are read then."""
    told = renamed(resource, {"actualPeriod": "period", "admission": "hospitalization"})
    given = [value for each in objects(told.get("reason")) for value in objects(each.get("value"))]
    told = parted({**told, "reason": given}, *_REASON)
    services = told.get("serviceType")
    if isinstance(services, list):
        told["serviceType"] = [*concepts(services), *_displays(services)]
    return told


def _displays(value: object) -> list[str]:
    shown = [inside(each, "display") for each in references(value)]
    return [each for each in shown if isinstance(each, str)]


def _service_request(resource: Resource) -> Resource:
    """ServiceRequest: a code that refers to a definition speaks by its display."""
    told = parted(renamed(resource, {}), *_REASON)
    code = told.get("code")
    if isinstance(code, dict) and ("concept" in code or "reference" in code):
        told["code"] = [*concepts(code), *_displays(code)]
    return told


def _care_plan(resource: Resource) -> Resource:
    """CarePlan: what it addresses may be a concept; a planned activity is a reference."""
    told = renamed(resource, {})
    addressed = told.get("addresses")
    if concepts(addressed) and told.get("reasonCode") is None:
        told["reasonCode"] = concepts(addressed)
    if addressed is not None:
        # A CodeableReference holds its Reference as an object, a Reference of R4 its target as text.
        told["addresses"] = [
            each["reference"] if isinstance(each.get("reference"), dict) else each for each in objects(addressed)
        ]
    told["activity"] = [
        renamed(each, {"plannedActivityReference": "reference"}) for each in objects(told.get("activity"))
    ]
    return told


SPELLING: Spelling = {
    "MedicationRequest": _request,
    "MedicationStatement": _statement,
    "MedicationDispense": _dispense,
    "MedicationAdministration": _administration,
    "Medication": _medication,
    "Procedure": _procedure,
    "Encounter": _encounter,
    "ServiceRequest": _service_request,
    "CarePlan": _care_plan,
}
