"""Writes the FHIR R4 of our fixtures in R5 and in STU3. It knows the names of the versions, and nothing of ours.

Only what our fixtures hold is converted; an element that a version does not have and that cannot be said otherwise
raises Unsayable, so that no story is quietly told with less.
Source: https://hl7.org/fhir/R5/r3maps.html and https://hl7.org/fhir/R4/r3maps.html
"""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


class Unsayable(ValueError):
    """What a resource says has no element in the other version."""


def converted(request: Json, convert: Callable[[Json], Json]) -> Json:
    """Give a request with every resource of its prefetch and draft orders converted; selections follow their types."""
    told: Json = _walked(request, convert)
    chosen = request["context"].get("selections")
    if chosen is not None:
        types = _types(request["context"]["draftOrders"], convert)
        told["context"] = {**told["context"], "selections": [types.get(each, each) for each in chosen]}
    return told


def _types(orders: Json, convert: Callable[[Json], Json]) -> dict[str, str]:
    found = [entry["resource"] for entry in orders["entry"]]
    return {f"{each['resourceType']}/{each['id']}": f"{convert(each)['resourceType']}/{each['id']}" for each in found}


def _walked(value: Any, convert: Callable[[Json], Json]) -> Any:
    if isinstance(value, list):
        return [_walked(each, convert) for each in value]
    if not isinstance(value, dict):
        return value
    told = {name: _walked(each, convert) for name, each in value.items()}
    return convert(told) if "resourceType" in told else told


def _move(resource: Json, old: str, new: str) -> None:
    if old in resource:
        resource[new] = resource.pop(old)


def _reword(resource: Json, words: dict[str, str]) -> None:
    resource["status"] = words.get(resource["status"], resource["status"])


# --- R5 --------------------------------------------------------------------------------------------------------------

_ADHERENCE_SYSTEM = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"
_ADHERENCE = {"active": "taking-as-directed", "on-hold": "on-hold", "stopped": "stopped", "not-taken": "not-taking"}


def to_r5(resource: Json) -> Json:
    """Give an R4 resource in R5."""
    told, kind = dict(resource), resource["resourceType"]
    if kind.startswith("Medication") and kind != "Medication":
        _one(told, "medicationCodeableConcept", "medicationReference", "medication")
    if kind in ("MedicationRequest", "MedicationAdministration", "MedicationStatement", "Procedure", "ServiceRequest"):
        _many(told, "reason")
    if kind == "MedicationRequest":
        _move(told, "reportedBoolean", "reported")
    elif kind == "MedicationStatement":
        status = told["status"]
        if status in _ADHERENCE:
            told |= {"status": "recorded", "adherence": {"code": _coded(_ADHERENCE_SYSTEM, _ADHERENCE[status])}}
        elif status != "entered-in-error":
            raise Unsayable(f"a statement that is {status}")
    elif kind == "MedicationAdministration":
        _move(told, "context", "encounter")
        for form in ("DateTime", "Period"):
            _move(told, f"effective{form}", f"occurence{form}")
    elif kind == "Procedure":
        for form in ("DateTime", "Period"):
            _move(told, f"performed{form}", f"occurrence{form}")
    elif kind == "ServiceRequest":
        told["code"] = {"concept": told["code"]}
    elif kind == "Encounter":
        _encounter_r5(told)
    elif kind == "Condition" and "clinicalStatus" not in told:  # must be there in R5; R4 reads its absence so
        told["clinicalStatus"] = _coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
    elif kind == "AllergyIntolerance" and "reaction" in told:
        told["reaction"] = [_reaction(each) for each in told["reaction"]]
    return told


def _encounter_r5(told: Json) -> None:
    _reword(told, {"finished": "completed", "arrived": "in-progress", "triaged": "in-progress", "onleave": "on-hold"})
    told["class"] = [{"coding": [told["class"]]}]
    _move(told, "period", "actualPeriod")
    if "hospitalization" in told:
        told["admission"] = told.pop("hospitalization")
    if "reasonCode" in told:
        told["reason"] = [{"value": [{"concept": each} for each in told.pop("reasonCode")]}]


def _reaction(reaction: Json) -> Json:
    return {**reaction, "manifestation": [{"concept": each} for each in reaction["manifestation"]]}


def _one(told: Json, coded: str, reference: str, name: str) -> None:
    if coded in told:
        told[name] = {"concept": told.pop(coded)}
    elif reference in told:
        told[name] = {"reference": told.pop(reference)}


def _many(told: Json, name: str) -> None:
    found = [{"concept": each} for each in told.pop(f"{name}Code", [])]
    found += [{"reference": each} for each in told.pop(f"{name}Reference", [])]
    if found:
        told[name] = found


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


# --- STU3 ------------------------------------------------------------------------------------------------------------

_MOVED_SYSTEMS = {
    "http://terminology.hl7.org/CodeSystem/v3-ActCode": "http://hl7.org/fhir/v3/ActCode",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation": "http://hl7.org/fhir/v2/0078",
    "http://terminology.hl7.org/CodeSystem/observation-category": "http://hl7.org/fhir/observation-category",
    "http://terminology.hl7.org/CodeSystem/condition-category": "http://hl7.org/fhir/condition-category",
    "http://terminology.hl7.org/CodeSystem/medicationrequest-category": "http://hl7.org/fhir/medication-request-category",
}
_WITH_CONTEXT = (
    "Condition",
    "Observation",
    "MedicationRequest",
    "Procedure",
    "ServiceRequest",
    "QuestionnaireResponse",
)


def to_stu3(resource: Json) -> Json:
    """Give an R4 resource in STU3."""
    told, kind = _systems(dict(resource)), resource["resourceType"]
    if kind in _WITH_CONTEXT:
        _move(told, "encounter", "context")
    if kind.startswith("Medication") and "category" in told and isinstance(told["category"], list):
        (told["category"],) = told["category"]
    if kind in ("Condition", "AllergyIntolerance"):
        for name in ("clinicalStatus", "verificationStatus"):
            if isinstance(told.get(name), dict):
                told[name] = told[name]["coding"][0]["code"]
        _move(told, "recordedDate", "assertedDate")
        if told.get("verificationStatus") == "unconfirmed" and kind == "Condition":
            told["verificationStatus"] = "provisional"
    elif kind == "Observation":
        if "interpretation" in told:
            (told["interpretation"],) = told["interpretation"]
        if "valueInteger" in told:
            told["valueQuantity"] = {"value": told.pop("valueInteger")}
    elif kind == "QuestionnaireResponse":
        told["questionnaire"] = {"reference": told["questionnaire"]}
    elif kind == "Encounter":
        _move(told, "reasonCode", "reason")
    elif kind in _BY_TYPE:
        told = _BY_TYPE[kind](told)
    return told


def _request(told: Json) -> Json:
    if told.pop("doNotPerform", False):
        raise Unsayable("an order not to give a medication")
    for gone in ("reportedBoolean", "statusReason"):
        told.pop(gone, None)
    supply = told.get("dispenseRequest", {})
    if supply.get("numberOfRepeatsAllowed") == 0:  # a positive number in STU3; none is left out
        told["dispenseRequest"] = {name: each for name, each in supply.items() if name != "numberOfRepeatsAllowed"}
    return told


def _statement(told: Json) -> Json:
    if told["status"] == "not-taken":
        return {**told, "status": "active", "taken": "n"}
    return {**told, "taken": "na" if told["status"] == "intended" else "y"}


def _dispense(told: Json) -> Json:
    return {**told, "status": "stopped", "notDone": True} if told["status"] in ("cancelled", "declined") else told


def _administration(told: Json) -> Json:
    return {**told, "status": "completed", "notGiven": True} if told["status"] == "not-done" else told


def _procedure(told: Json) -> Json:
    if told["status"] == "not-done":
        return {**told, "status": "completed", "notDone": True}
    _reword(told, {"on-hold": "suspended", "stopped": "aborted"})
    return told


def _procedure_request(told: Json) -> Json:
    told["resourceType"] = "ProcedureRequest"
    _reword(told, {"on-hold": "suspended", "revoked": "cancelled"})
    return told


_BY_TYPE: dict[str, Callable[[Json], Json]] = {
    "MedicationRequest": _request,
    "MedicationStatement": _statement,
    "MedicationDispense": _dispense,
    "MedicationAdministration": _administration,
    "Procedure": _procedure,
    "ServiceRequest": _procedure_request,
}


def _systems(value: Any) -> Any:
    if isinstance(value, list):
        return [_systems(each) for each in value]
    if not isinstance(value, dict):
        return value
    told = {name: _systems(each) for name, each in value.items()}
    if isinstance(told.get("system"), str):
        told["system"] = _MOVED_SYSTEMS.get(told["system"], told["system"])
    return told
