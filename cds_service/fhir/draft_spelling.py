"""Drafts of orders in the shape of FHIR R5 and STU3: the draft of R4 (fhir/draft.py), spelled as that version has it.

Source: https://hl7.org/fhir/R5/medicationrequest.html, https://hl7.org/fhir/R5/servicerequest.html,
https://hl7.org/fhir/STU3/medicationrequest.html and https://hl7.org/fhir/STU3/procedurerequest.html
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cds_service.core.card import CallContext, Reason
from cds_service.core.rule import Create
from cds_service.fhir.draft import draft

STU3_TYPES: Mapping[str, str] = {"ServiceRequest": "ProcedureRequest"}
# Who may be the agent of a STU3 requester; a PractitionerRole may not.
_AGENTS = ("Practitioner", "Patient", "RelatedPerson", "Organization", "Device")
_MOVED, _BEFORE = "http://terminology.hl7.org/CodeSystem/v3-", "http://hl7.org/fhir/v3/"


def draft_r5(
    create: Create, call: CallContext, *, reason: Reason | None, until: date | None, labels: frozenset[str]
) -> dict[str, Any]:
    """Give the draft that `create` describes (core.card.Draft) in R5: drug, code and reason are CodeableReferences."""
    told = draft(create, call, reason=reason, until=until, labels=labels)
    if "medicationCodeableConcept" in told:
        told["medication"] = {"concept": told.pop("medicationCodeableConcept")}
    if "code" in told:
        told["code"] = {"concept": told["code"]}
    concepts = [{"concept": each} for each in told.pop("reasonCode", ())]
    references = [{"reference": each} for each in told.pop("reasonReference", ())]
    if concepts or references:
        told["reason"] = [*concepts, *references]
    return told


def draft_stu3(
    create: Create, call: CallContext, *, reason: Reason | None, until: date | None, labels: frozenset[str]
) -> dict[str, Any]:
    """Give the draft that `create` describes (core.card.Draft) in STU3: a ProcedureRequest in place of ServiceRequest.

    STU3 has no word for a MedicationRequest that says what is *not* to be done: `doNotPerform` stays on it as R4 has
    it, and core.fitting never sends it (Profile.never_declined).
    """
    told = draft(create, call, reason=reason, until=until, labels=labels)
    told["resourceType"] = STU3_TYPES.get(told["resourceType"], told["resourceType"])
    if "encounter" in told:
        told["context"] = told.pop("encounter")
    requester = told.pop("requester", None)
    if requester is not None and requester["reference"].partition("/")[0] in _AGENTS:
        told["requester"] = {"agent": requester}
    if "meta" in told:
        told["meta"] = {"security": [_before(each) for each in told["meta"]["security"]]}
    return told


def _before(coding: dict[str, str]) -> dict[str, str]:
    """Give a security label with the name that its code system had in STU3."""
    return {**coding, "system": coding["system"].replace(_MOVED, _BEFORE)}
