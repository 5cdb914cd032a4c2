"""Calls of the probe's own: a small synthetic chart, filled into the prefetch templates that discovery gives."""

import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

PATIENT, USER, STAY = "probe-1", "Practitioner/probe-user", "probe-stay"
SUBJECT = {"reference": f"Patient/{PATIENT}"}
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
# The fields of each hook's context that must be there; from the hook pages of the CDS Hooks Library.
REQUIRED = {
    "patient-view": ("userId", "patientId"),
    "order-select": ("userId", "patientId", "selections", "draftOrders"),
    "order-sign": ("userId", "patientId", "draftOrders"),
    "encounter-discharge": ("userId", "patientId", "encounterId"),
}
TOKENS = ("userId", "patientId", "encounterId")


@dataclass(frozen=True, slots=True)
class Service:
    """What discovery tells of one service."""

    id: str
    hook: str
    prefetch: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/cds-services/{self.id}"

    @property
    def callable(self) -> bool:
        return self.hook in REQUIRED


def _day(days_ago: int) -> str:
    return (date.today() - timedelta(days=days_ago)).isoformat()


def chart() -> dict[str, list[dict[str, Any]]]:
    """Resources by type: an adult with opioid use disorder who took oxycodone lately. Nobody real."""
    coded = {"status": "active", "intent": "order", "subject": SUBJECT}
    oxycodone = {"coding": [{"system": RXNORM, "code": "1049621"}], "text": "oxycodone"}
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    fortnight = {"value": 14, "unit": "days", "code": "d", "system": "http://unitsofmeasure.org"}
    return {
        "Patient": [{"resourceType": "Patient", "id": PATIENT, "birthDate": "1984-05-05", "gender": "female"}],
        "Condition": [
            {
                "resourceType": "Condition",
                "id": "probe-condition",
                "subject": SUBJECT,
                "clinicalStatus": active,
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "F11.20"}]},
                "recordedDate": _day(400),
            }
        ],
        "MedicationRequest": [
            {
                "resourceType": "MedicationRequest", "id": "probe-request", **coded,
                "medicationCodeableConcept": oxycodone, "authoredOn": _day(3),
                "dispenseRequest": {"expectedSupplyDuration": fortnight},
            }
        ],
    }  # fmt: skip


def draft() -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "probe-draft",
        "status": "draft",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "637213"}], "text": "naltrexone"},
    }


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    entry = {"entry": [{"resource": each} for each in resources]} if resources else {}
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), **entry, **more}


def outcome(severity: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def lists(service: Service) -> list[str]:
    """Prefetch keys that are searches: what they give is a Bundle."""
    return [key for key, query in service.prefetch.items() if "?" in query]


def good(service: Service, *, full: bool = True) -> dict[str, Any]:
    """A complete call. full: with the chart above; else with an empty list for every search."""
    context: dict[str, Any] = {"userId": USER, "patientId": PATIENT}
    if service.hook.startswith("order"):
        context["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": draft()}]}
    if service.hook == "order-select":
        context["selections"] = ["MedicationRequest/probe-draft"]
    if service.hook == "encounter-discharge":
        context["encounterId"] = STAY
    return {
        "hook": service.hook,
        "hookInstance": str(uuid.uuid4()),
        "context": context,
        "prefetch": {key: _filled(query, full) for key, query in service.prefetch.items()},
    }


def _filled(query: str, full: bool) -> Any:
    """What a FHIR server would give for a template, from the chart."""
    name = query.partition("?")[0].partition("/")[0]
    held = chart().get(name, [])
    if "?" not in query:
        return held[0] if held else None
    return bundle(*held) if full else bundle()


def changed(body: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    copied = copy.deepcopy(body)
    change(copied)
    return copied


def with_lists(service: Service, body: dict[str, Any], value: Any) -> dict[str, Any]:
    """The call with `value` for every search; value: a JSON value, or Ellipsis to leave the keys out."""
    copied = copy.deepcopy(body)
    for key in lists(service):
        if value is ...:
            del copied["prefetch"][key]
        else:
            copied["prefetch"][key] = value
    return copied
