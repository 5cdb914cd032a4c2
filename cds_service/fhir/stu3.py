"""FHIR STU3: what it calls the elements that R4 readers read, its own status words and code systems.

docs/reference/fhir-reading.md tells in words what differs. Statuses that are bare strings, and single objects where R4
has lists, need no word here: R4 readers take both.
Source: https://hl7.org/fhir/STU3/resourcelist.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.core.dates import Span
from cds_service.fhir import r4
from cds_service.fhir.scope import Reader
from cds_service.fhir.shapes import Resource, flag, inside, objects
from cds_service.fhir.spelling import Spelling, renamed, reworded

entered_in_error, can_be_renewed = r4.entered_in_error, r4.can_be_renewed
draft_concept, draft_is_stopped = r4.draft_concept, r4.draft_is_stopped

_ORDERS = ("ProcedureRequest", "ReferralRequest")  # R4 made one ServiceRequest of the two
TYPES: Mapping[str, tuple[str, ...]] = {"ServiceRequest": ("ServiceRequest", *_ORDERS)}
# Source: https://hl7.org/fhir/STU3/procedurerequest.html#search
QUERIES: Mapping[str, str] = {
    "serviceRequests": "ProcedureRequest?patient={{context.patientId}}&_sort=-authored&_count=200"
}
READERS: Mapping[str, Reader] = {**r4.READERS, **dict.fromkeys(_ORDERS, r4.service_request)}
FACT: Mapping[str, str] = {**r4.FACT, **dict.fromkeys(_ORDERS, "ServiceRequest")}
START: Mapping[str, Callable[[Resource], Span | None]] = {
    **r4.START,
    **dict.fromkeys(_ORDERS, r4.START["ServiceRequest"]),
}
DRAFTS: Mapping[str, tuple[str, ...]] = {**r4.DRAFTS, **dict.fromkeys(_ORDERS, r4.DRAFTS["ServiceRequest"])}
BESIDE = r4.BESIDE | {"BodySite", "EligibilityRequest", "EligibilityResponse", "DataElement", "ImagingManifest"}

ORDER = {"suspended": "on-hold", "cancelled": "revoked"}
PROCEDURE = {"suspended": "on-hold", "aborted": "stopped"}
NOT_TAKEN = ("n",)  # of MedicationStatement.taken; unknown and not applicable leave the status as it is
# Code systems that HL7 has since moved; only those of elements that value sets are looked up for.
# Source: https://terminology.hl7.org/codesystems.html
SYSTEMS = {
    "http://hl7.org/fhir/v3/ActCode": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://hl7.org/fhir/discharge-disposition": "http://terminology.hl7.org/CodeSystem/discharge-disposition",
    "http://hl7.org/fhir/v2/0078": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://hl7.org/fhir/v3/ObservationInterpretation": (
        "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    ),
    "http://hl7.org/fhir/v2/0136": "http://terminology.hl7.org/CodeSystem/v2-0136",
}


def _moved(value: Any) -> Any:
    """Give CodeableConcepts or Codings with the systems that R4 knows."""
    if isinstance(value, list):
        return [_moved(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("coding"), list):
        return {**value, "coding": [_moved_coding(each) for each in value["coding"]]}
    return _moved_coding(value)


def _moved_coding(coding: Any) -> Any:
    system = inside(coding, "system")
    known = SYSTEMS.get(system) if isinstance(system, str) else None
    return coding if known is None else {**coding, "system": known}


def _with_moved(resource: Resource, *elements: str) -> Resource:
    for name in elements:
        if resource.get(name) is not None:
            resource[name] = _moved(resource[name])
    return resource


def _state(resource: Resource) -> Resource:
    return renamed(resource, {"assertedDate": "recordedDate"})


def _observation(resource: Resource) -> Resource:
    told = _with_moved(dict(resource), "interpretation", "valueCodeableConcept")
    if told.get("component") is not None:
        parts = objects(told["component"])
        told["component"] = [_with_moved(dict(each), "interpretation", "valueCodeableConcept") for each in parts]
    return told


def _response(resource: Resource) -> Resource:
    """QuestionnaireResponse: the questionnaire is a Reference."""
    told = _answered(resource)
    named = inside(told, "questionnaire", "reference")
    if named is not None:
        told["questionnaire"] = named
    return told


def _answered(holder: Resource) -> Resource:
    """Copy a response, an item or an answer and what it holds; a coded answer gets the system that R4 knows."""
    told = dict(holder)
    for name in ("item", "answer"):
        if told.get(name) is not None:
            told[name] = [_answered(each) for each in objects(told[name])]
    return _with_moved(told, "valueCoding")


def _undone(resource: Resource, element: str, status: str) -> Resource:
    """Put R4's status in a copied resource for a boolean that says that it did not happen.

    One that cannot be read leaves the status not known.
    """
    said = flag(resource.get(element))
    if said is not False and not r4.entered_in_error(resource):
        resource["status"] = status if said else "unknown"
    return resource


def _statement(resource: Resource) -> Resource:
    """MedicationStatement: what was not taken is that, whatever the status of the entry."""
    told = renamed(resource, {"reasonNotTaken": "statusReason"})
    taken = told.get("taken")
    if isinstance(taken, str) and taken.strip().lower() in NOT_TAKEN and not r4.entered_in_error(told):
        told["status"] = "not-taken"
    return told


def _request(resource: Resource) -> Resource:
    return renamed(resource, {"context": "encounter"})


def _dispense(resource: Resource) -> Resource:
    told = renamed(resource, {"notDoneReasonCodeableConcept": "statusReason"})
    return _undone(told, "notDone", "declined")


def _administration(resource: Resource) -> Resource:
    told = renamed(resource, {"reasonNotGiven": "statusReason", "prescription": "request"})
    return _undone(told, "notGiven", "not-done")


def _procedure(resource: Resource) -> Resource:
    told = renamed(resource, {"context": "encounter", "notDoneReason": "statusReason"})
    return _undone(reworded(told, PROCEDURE), "notDone", "not-done")


def _encounter(resource: Resource) -> Resource:
    """Encounter: R5 too has an element `reason`, of another shape, which is let be."""
    told = dict(resource)
    reasons = [each for each in objects(told.get("reason")) if "value" not in each]
    if reasons and told.get("reasonCode") is None:
        told["reasonCode"] = reasons
    stay = told.get("hospitalization")
    if isinstance(stay, dict):
        told["hospitalization"] = _with_moved(dict(stay), "dischargeDisposition")
    return _with_moved(told, "class")


def _procedure_request(resource: Resource) -> Resource:
    return reworded(renamed(resource, {"context": "encounter"}), ORDER)


def _referral(resource: Resource) -> Resource:
    """ReferralRequest: what is asked for is the code; its kind and the specialty are the category."""
    told = renamed(resource, {"context": "encounter", "serviceRequested": "code"})
    if told.get("code") is None:
        told["code"] = [each for each in (told.get("description"),) if isinstance(each, str)]
    told["category"] = [each for each in (told.get("type"), told.get("specialty")) if each is not None]
    return reworded(told, ORDER)


def _care_plan(resource: Resource) -> Resource:
    told = reworded(dict(resource), ORDER)
    if told.get("activity") is not None:
        told["activity"] = [_activity(each) for each in objects(told["activity"])]
    return told


def _activity(activity: Resource) -> Resource:
    detail = activity.get("detail")
    if not isinstance(detail, dict):
        return activity
    return {**activity, "detail": renamed(detail, {"prohibited": "doNotPerform"})}


SPELLING: Spelling = {
    "Condition": _state,
    "AllergyIntolerance": _state,
    "Observation": _observation,
    "QuestionnaireResponse": _response,
    "MedicationRequest": _request,
    "MedicationStatement": _statement,
    "MedicationDispense": _dispense,
    "MedicationAdministration": _administration,
    "Procedure": _procedure,
    "Encounter": _encounter,
    "ProcedureRequest": _procedure_request,
    "ReferralRequest": _referral,
    "CarePlan": _care_plan,
}
