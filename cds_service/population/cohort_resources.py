"""Write one resource of a synthetic record: a builder for each type, and the untidiness that all of them share.

Source of the shapes: FHIR R4, https://hl7.org/fhir/R4/resourcelist.html
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from cds_service.population.cohort_plan import ABSENT, Code, Held, Plan

Resource = dict[str, Any]
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_CATEGORY_SYSTEMS = {
    "Condition": f"{_TERMINOLOGY}condition-category",
    "Observation": f"{_TERMINOLOGY}observation-category",
}
# The systems of clinicalStatus and verificationStatus.
_STATES = {
    "Condition": (f"{_TERMINOLOGY}condition-clinical", f"{_TERMINOLOGY}condition-ver-status"),
    "AllergyIntolerance": (
        f"{_TERMINOLOGY}allergyintolerance-clinical", f"{_TERMINOLOGY}allergyintolerance-verification",
    ),
}  # fmt: skip
# A status word of the plan as a type spells it, where its own list has another or none.
_SPELLED: Mapping[str, Mapping[str, str]] = {
    "MedicationStatement": {"cancelled": "not-taken", "draft": "intended"},
    "MedicationDispense": {"active": "completed"},
    "MedicationAdministration": {"active": "in-progress"},
}
_UCUM = "http://unitsofmeasure.org"
_ALLERGY_CLINICAL = frozenset({"active", "inactive", "resolved"})
_REQUIRED_STATUS = "unknown"


class Writing:
    """One person's record being written; a class because it numbers what it writes."""

    __slots__ = ("person", "plan", "random", "subject", "today", "written")

    def __init__(self, plan: Plan, random: Callable[[], float], person: str, today: date) -> None:
        self.plan = plan
        self.random = random
        self.person = person
        self.today = today
        self.subject = {"reference": f"Patient/{person}"}
        self.written = 0

    def start(self, kind: str) -> Resource:
        """Begin a resource of this person's, with an id of its own."""
        self.written += 1
        return {"resourceType": kind, "id": f"{self.person}-{self.written}"}

    def number(self, limits: tuple[float, float]) -> int:
        """Draw a whole number between two, both among them."""
        first, last = limits
        return int(first + self.random() * (last + 1 - first))

    def day(self, held: Held) -> date:
        """Draw the day on which something began."""
        return self.today - timedelta(days=self.number(held.days_ago))

    def exactly(self, day: date) -> str:
        """Write a day as a whole date or with a time of day."""
        if self.plan.dates.at(self.random()) == "instant":
            return f"{day.isoformat()}T{self.number((0, 23)):02}:{self.number((0, 59)):02}:00Z"
        return day.isoformat()

    def dated(self, resource: Resource, name: str, day: date) -> None:
        """Write a date under this name, as exactly as the plan has it; perhaps not at all."""
        how = self.plan.dates.at(self.random())
        if how == "instant":
            resource[name] = f"{day.isoformat()}T{self.number((0, 23)):02}:{self.number((0, 59)):02}:00Z"
        elif how != ABSENT:
            resource[name] = day.isoformat()[: {"day": 10, "month": 7, "year": 4}[how]]


def concept(held: Held, writing: Writing) -> Resource | None:
    """Write a CodeableConcept the way records do: full, a bare code, words alone, a code of the site; or nothing."""
    random = writing.random
    how = writing.plan.writing.at(random())
    code = held.codes.at(random()).at(random())
    words = held.texts[int(random() * len(held.texts))] if held.texts else code.display
    local = {"system": writing.plan.local_system, "code": f"SYN-{held.name}"}
    if how == "full":
        return {"coding": [coding(code)], "text": words if held.texts else code.display}
    if how == "code_only":
        return {"coding": [{"system": code.system, "code": code.code}]}
    if how == "old_system":
        return {"coding": [{**coding(code), "system": code.old_system or code.system}]}
    if how == "beside_local":
        return {"coding": [local, coding(code)], "text": code.display}
    if how == "text_only":
        return {"text": words}
    return {"coding": [local], "text": words} if how == "local_only" else None


def coding(code: Code) -> Resource:
    """Write a Coding with its display."""
    return {"system": code.system, "code": code.code, "display": code.display}


def _coded(resource: Resource, name: str, held: Held, writing: Writing) -> None:
    written = concept(held, writing)
    if written is not None:
        resource[name] = written


def _needed(held: Held, writing: Writing) -> Resource:
    """Write a CodeableConcept where FHIR wants one: with nothing to say it holds an absent reason."""
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    return concept(held, writing) or {"extension": [reason]}


def _state(resource: Resource, held: Held, writing: Writing) -> None:
    """Condition and AllergyIntolerance: clinical and verification status."""
    kind = resource["resourceType"]
    clinical, verified = held.clinical.at(writing.random()), held.verification.at(writing.random())
    if kind == "AllergyIntolerance" and clinical not in _ALLERGY_CLINICAL:
        clinical = ABSENT
    if verified == "entered-in-error":  # con-5: then there is no clinical status
        clinical = ABSENT
    clinical_system, verified_system = _STATES[kind]
    if clinical != ABSENT:
        resource["clinicalStatus"] = {"coding": [{"system": clinical_system, "code": clinical}]}
    if verified != ABSENT:
        resource["verificationStatus"] = {"coding": [{"system": verified_system, "code": verified}]}


def _categories(resource: Resource, held: Held, writing: Writing) -> None:
    word = held.category.at(writing.random())
    if word != ABSENT:
        system = _CATEGORY_SYSTEMS[resource["resourceType"]]
        resource["category"] = [{"coding": [{"system": system, "code": word}]}]


def _status(kind: str, held: Held, writing: Writing, absent: str = _REQUIRED_STATUS) -> str:
    word = held.status.at(writing.random())
    return absent if word == ABSENT else _SPELLED.get(kind, {}).get(word, word)


def condition(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a Condition."""
    resource = writing.start(kind)
    _state(resource, held, writing)
    _categories(resource, held, writing)
    _coded(resource, "code", held, writing)
    resource["subject"] = writing.subject
    day = writing.day(held)
    writing.dated(resource, "onsetDateTime", day)
    if "onsetDateTime" not in resource:
        resource["recordedDate"] = day.isoformat()
    if _word(resource) in ("resolved", "inactive", "remission"):
        abated = day + timedelta(days=int(writing.random() * (writing.today - day).days))
        writing.dated(resource, "abatementDateTime", abated)
    return [resource]


def _word(resource: Resource) -> str:
    status = resource.get("clinicalStatus")
    return str(status["coding"][0]["code"]) if status else ""


def allergy(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write an AllergyIntolerance."""
    resource = writing.start(kind)
    _state(resource, held, writing)
    _coded(resource, "code", held, writing)
    resource["patient"] = writing.subject
    writing.dated(resource, "onsetDateTime", writing.day(held))
    return [resource]


def _drug(resource: Resource, held: Held, writing: Writing) -> list[Resource]:
    """Name the drug in the resource, or in a Medication of its own, which is given too."""
    if writing.random() >= writing.plan.by_reference:
        resource["medicationCodeableConcept"] = _needed(held, writing)
        return [resource]
    medication = writing.start("Medication")
    _coded(medication, "code", held, writing)
    resource["medicationReference"] = {"reference": f"Medication/{medication['id']}"}
    return [medication, resource]


def _for(resource: Resource, held: Held, writing: Writing) -> None:
    reason = writing.plan.held.get(held.reason)
    if reason is not None and writing.random() < 0.5:
        resource["reasonCode"] = [_needed(reason, writing)]


def medication_request(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a MedicationRequest, with how long its supply lasts when the plan knows."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    resource["intent"] = "plan" if writing.random() < 0.05 else "order"
    found = _drug(resource, held, writing)
    resource["subject"] = writing.subject
    writing.dated(resource, "authoredOn", writing.day(held))
    _for(resource, held, writing)
    if held.supply_days and writing.random() < 0.6:
        days = {"value": writing.number(held.supply_days), "unit": "days", "system": _UCUM, "code": "d"}
        resource["dispenseRequest"] = {
            "numberOfRepeatsAllowed": writing.number((0, 5)), "expectedSupplyDuration": days,
        }  # fmt: skip
    return found


def medication_statement(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a MedicationStatement: since when, and when it was said."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    found = _drug(resource, held, writing)
    resource["subject"] = writing.subject
    day = writing.day(held)
    period: Resource = {"start": writing.exactly(day)}
    if resource["status"] in ("completed", "stopped"):
        period["end"] = writing.exactly(day + timedelta(days=int(writing.random() * (writing.today - day).days)))
    resource["effectivePeriod"] = period
    if writing.random() < 0.5:
        resource["dateAsserted"] = writing.exactly(day)
    return found


def medication_dispense(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a MedicationDispense with the days it lasts."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    found = _drug(resource, held, writing)
    resource["subject"] = writing.subject
    if held.supply_days:
        resource["daysSupply"] = {"value": writing.number(held.supply_days), "unit": "days"}
    writing.dated(resource, "whenHandedOver", writing.day(held))
    return found


def medication_administration(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a MedicationAdministration."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    found = _drug(resource, held, writing)
    resource["subject"] = writing.subject
    resource["effectiveDateTime"] = writing.exactly(writing.day(held))
    return found


def observation(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write an Observation: a number with its unit, or a coded answer; now and then no result."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    _categories(resource, held, writing)
    resource["code"] = _needed(held, writing)
    resource["subject"] = writing.subject
    writing.dated(resource, "effectiveDateTime", writing.day(held))
    resource.update(_result(held, writing))
    return [resource]


def _result(held: Held, writing: Writing) -> Resource:
    random = writing.random
    if random() < 0.03:
        system = f"{_TERMINOLOGY}data-absent-reason"
        return {"dataAbsentReason": {"coding": [{"system": system, "code": "not-performed"}]}}
    if held.answers is not None:
        answer = held.answers.at(random()).at(random())
        return {"valueCodeableConcept": {"text": answer.display} if random() < 0.2 else {"coding": [coding(answer)]}}
    if held.value is None:
        return {}
    value = {"value": _number(held, writing), "unit": held.value["unit"], "code": held.value["unit"]}
    if random() < 0.15:
        del value["code"]
    else:
        value["system"] = _UCUM
    found: Resource = {"valueQuantity": value}
    if "upper_limit" in held.value:
        found["referenceRange"] = [{"high": {"value": held.value["upper_limit"], "unit": held.value["unit"]}}]
    return found


def _number(held: Held, writing: Writing) -> int:
    """Draw a result; low ones are likelier than high ones."""
    assert held.value is not None
    low, high = held.value["low"], held.value["high"]
    return int(low + writing.random() ** 2 * (high + 1 - low))


def procedure(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a Procedure."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    _coded(resource, "code", held, writing)
    resource["subject"] = writing.subject
    writing.dated(resource, "performedDateTime", writing.day(held))
    return [resource]


def encounter(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write an Encounter: its class is a bare Coding, and one that is over has an end."""
    resource = writing.start(kind)
    resource["status"] = status = _status(kind, held, writing)
    code = held.codes.at(writing.random()).at(writing.random())
    resource["class"] = coding(code)
    resource["subject"] = writing.subject
    day = writing.day(held)
    over = min(day + timedelta(days=writing.number(held.stay_days or (0, 0))), writing.today)
    period = {"start": day.isoformat()}
    if status == "finished":
        period["end"] = over.isoformat()
    if status not in ("planned", "cancelled"):
        resource["period"] = period
    return [resource]


def service_request(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a ServiceRequest."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    resource["intent"] = "order"
    _coded(resource, "code", held, writing)
    resource["subject"] = writing.subject
    writing.dated(resource, "authoredOn", writing.day(held))
    return [resource]


def care_plan(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a CarePlan with what it plans as its category."""
    resource = writing.start(kind)
    resource["status"] = _status(kind, held, writing)
    resource["intent"] = "plan"
    resource["category"] = [_needed(held, writing)]
    resource["subject"] = writing.subject
    resource["period"] = {"start": writing.day(held).isoformat()}
    return [resource]


def questionnaire_response(kind: str, held: Held, writing: Writing) -> list[Resource]:
    """Write a QuestionnaireResponse of which only the total is kept."""
    resource = writing.start(kind)
    code = held.codes.at(writing.random()).at(writing.random())
    resource["questionnaire"] = f"{code.system}/q/{code.code}"
    resource["status"] = _status(kind, held, writing)
    resource["subject"] = writing.subject
    writing.dated(resource, "authored", writing.day(held))
    answer = {"valueInteger": _number(held, writing)}
    resource["item"] = [{"linkId": f"/{code.code}", "text": code.display, "answer": [answer]}]
    return [resource]


BUILDERS: Mapping[str, Callable[[str, Held, Writing], list[Resource]]] = {
    "Condition": condition,
    "AllergyIntolerance": allergy,
    "MedicationRequest": medication_request,
    "MedicationStatement": medication_statement,
    "MedicationDispense": medication_dispense,
    "MedicationAdministration": medication_administration,
    "Observation": observation,
    "QuestionnaireResponse": questionnaire_response,
    "Procedure": procedure,
    "Encounter": encounter,
    "ServiceRequest": service_request,
    "CarePlan": care_plan,
}
