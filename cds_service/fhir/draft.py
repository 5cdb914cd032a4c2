"""Drafts of orders that a suggestion offers, in the shape of FHIR R4: MedicationRequest and ServiceRequest.

A draft is a proposal: the clinician completes and signs it, or drops it.
Source: https://hl7.org/fhir/R4/medicationrequest.html and https://hl7.org/fhir/R4/servicerequest.html.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from cds_service.core.card import CallContext, Reason
from cds_service.core.restricted import security_codings
from cds_service.core.rule import Create

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*(.*)")
_REASON_TYPES = ("Condition", "Observation")


def draft(
    create: Create, call: CallContext, *, reason: Reason | None, until: date | None, labels: frozenset[str]
) -> dict[str, Any]:
    """Give the draft resource that `create` describes (core.card.Draft). No member is null or empty.

    Raises ValueError for a resource type other than MedicationRequest and ServiceRequest.
    """
    if create.resource_type not in _OWN:
        raise ValueError(f"a draft {create.resource_type} is not known; {' and '.join(_OWN)} are")
    resource: dict[str, Any] = {"resourceType": create.resource_type}
    if labels:
        resource["meta"] = {"security": security_codings(labels)}
    resource["status"] = "draft"
    resource["intent"] = call.intent
    if create.do_not_perform:
        resource["doNotPerform"] = True
    resource["subject"] = {"reference": call.patient_reference}
    if call.encounter_reference:
        resource["encounter"] = {"reference": call.encounter_reference}
    resource["authoredOn"] = today = call.today.isoformat()
    if call.requester_reference:
        resource["requester"] = {"reference": call.requester_reference}
    period = {"start": today, "end": until.isoformat()} if until else None
    _OWN[create.resource_type](create, period, resource)
    if reason is not None:
        _reason(reason, resource)
    return resource


def _medication_request(create: Create, period: Mapping[str, str] | None, resource: dict[str, Any]) -> None:
    resource["medicationCodeableConcept"] = _concept(create)
    if create.dosage:
        resource["dosageInstruction"] = [{"text": create.dosage}]
    quantity = _quantity(create.quantity) if create.quantity else None
    if period or quantity:
        told = {"validityPeriod": period, "quantity": quantity}
        resource["dispenseRequest"] = {key: value for key, value in told.items() if value}


def _service_request(create: Create, period: Mapping[str, str] | None, resource: dict[str, Any]) -> None:
    resource["code"] = _concept(create)
    if period:
        resource["occurrencePeriod"] = period
    note = "; ".join(filter(None, (create.dosage, create.quantity)))
    if note:
        resource["note"] = [{"text": note}]


_OWN: Mapping[str, Callable[[Create, Mapping[str, str] | None, dict[str, Any]], None]] = {
    "MedicationRequest": _medication_request,
    "ServiceRequest": _service_request,
}


def _concept(create: Create) -> dict[str, Any]:
    """Give code and our own words; never a code's own display, which may not be person-first."""
    if create.code is None:
        return {"text": create.text}
    system, code = create.code
    return {"coding": [{"system": system, "code": code}], "text": create.text}


def _quantity(text: str) -> dict[str, Any] | None:
    """Read "2" or "30 films"; words without a number cannot stand in a Quantity and are left out."""
    amount = _amount(text)
    if amount is None:
        return None
    value, unit = amount
    return {"value": value, "unit": unit} if unit else {"value": value}


@lru_cache(maxsize=256)  # of the rules' own words
def _amount(text: str) -> tuple[float, str] | None:
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        return None
    number = float(found[1])
    return int(number) if number.is_integer() else number, found[2].strip()


def _reason(reason: Reason, resource: dict[str, Any]) -> None:
    if reason.reference.partition("/")[0] in _REASON_TYPES:
        resource["reasonReference"] = [{"reference": reason.reference}]
    elif words := reason.words():
        resource["reasonCode"] = [{"text": words}]
