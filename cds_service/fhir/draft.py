"""Drafts of orders that a suggestion offers, in the shape of FHIR R4: MedicationRequest and ServiceRequest.

A draft is a proposal: the clinician completes and signs it, or drops it.
Source: https://hl7.org/fhir/R4/medicationrequest.html and https://hl7.org/fhir/R4/servicerequest.html.
"""

import re
from collections.abc import Mapping
from datetime import date
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
    if create.resource_type == "MedicationRequest":
        own = _medication_request(create, call, until)
    elif create.resource_type == "ServiceRequest":
        own = _service_request(create, call, until)
    else:
        raise ValueError(f"a draft {create.resource_type} is not known; MedicationRequest and ServiceRequest are")
    resource = {
        "resourceType": create.resource_type,
        "meta": {"security": security_codings(labels)} if labels else None,
        "status": "draft",
        "intent": call.intent,
        "doNotPerform": create.do_not_perform or None,
        "subject": {"reference": call.patient_reference},
        "encounter": _reference(call.encounter_reference),
        "authoredOn": call.today.isoformat(),
        "requester": _reference(call.requester_reference),
        **own,
        **_reason(reason),
    }
    return {key: value for key, value in resource.items() if value}


def _medication_request(create: Create, call: CallContext, until: date | None) -> dict[str, Any]:
    dispense = {"validityPeriod": _period(call, until), "quantity": _quantity(create.quantity)}
    return {
        "medicationCodeableConcept": _concept(create),
        "dosageInstruction": [{"text": create.dosage}] if create.dosage else None,
        "dispenseRequest": {key: value for key, value in dispense.items() if value},
    }


def _service_request(create: Create, call: CallContext, until: date | None) -> dict[str, Any]:
    note = "; ".join(text for text in (create.dosage, create.quantity) if text)
    return {
        "code": _concept(create),
        "occurrencePeriod": _period(call, until),
        "note": [{"text": note}] if note else None,
    }


def _concept(create: Create) -> dict[str, Any]:
    """Give code and our own words; never a code's own display, which may not be person-first."""
    if create.code is None:
        return {"text": create.text}
    system, code = create.code
    return {"coding": [{"system": system, "code": code}], "text": create.text}


def _quantity(text: str | None) -> Mapping[str, Any] | None:
    """Read "2" or "30 films"; words without a number cannot stand in a Quantity and are left out."""
    found = _QUANTITY.fullmatch(text.strip()) if text else None
    if found is None:
        return None
    number, unit = float(found[1]), found[2].strip()
    value = int(number) if number.is_integer() else number
    return {"value": value, "unit": unit} if unit else {"value": value}


def _period(call: CallContext, until: date | None) -> dict[str, str] | None:
    return {"start": call.today.isoformat(), "end": until.isoformat()} if until else None


def _reference(reference: str | None) -> dict[str, str] | None:
    return {"reference": reference} if reference else None


def _reason(reason: Reason | None) -> dict[str, Any]:
    if reason is None:
        return {}
    if reason.reference.partition("/")[0] in _REASON_TYPES:
        return {"reasonReference": [{"reference": reason.reference}]}
    words = reason.words()
    return {"reasonCode": [{"text": words}]} if words else {}
