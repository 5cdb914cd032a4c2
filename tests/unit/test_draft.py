"""Draft orders in the shape of FHIR R4: every combination is what fhir.resources accepts."""

from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.core.card import Reason
from cds_service.core.rule import Create
from cds_service.fhir.draft import draft
from tests.unit.card_world import CALL

MODELS = {"MedicationRequest": MedicationRequest, "ServiceRequest": ServiceRequest}
FULL = Create(
    "MedicationRequest",
    "Example drug 4 mg spray",
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "1"),
    dosage="one spray",
    quantity="2",
)
CONDITION = Reason("Condition/c1", lambda: "opioid use disorder")
DRUG = Reason("MedicationRequest/m1", lambda: "oxycodone")


def drafted(create=FULL, call=CALL, reason=None, until=None, labels=frozenset()):
    return draft(create, call, reason=reason, until=until, labels=labels)


COMBINATIONS = list(
    product(
        MODELS,
        (FULL.code, None),
        (None, "one spray"),
        (None, "2", "30 films", "as agreed"),
        (False, True),
        (None, CONDITION, DRUG),
        (None, date(2026, 3, 8)),
        (frozenset(), frozenset({"42CFRPART2", "R", "NORDSCLCD"})),
        (None, "Encounter/e1"),
    )
)


def members(value):
    if isinstance(value, dict):
        for each in value.values():
            yield each
            yield from members(each)
    elif isinstance(value, list):
        for each in value:
            yield each
            yield from members(each)


@pytest.mark.parametrize("resource_type", MODELS)
def test_every_combination_is_a_valid_draft_without_empty_members(resource_type):
    for type_, code, dosage, quantity, not_done, reason, until, labels, encounter in COMBINATIONS:
        if type_ != resource_type:
            continue
        create = Create(type_, "Example", code, dosage, quantity, do_not_perform=not_done)
        call = replace(CALL, encounter_reference=encounter, requester_reference=encounter and "PractitionerRole/r1")
        resource = drafted(create, call, reason, until, labels)
        MODELS[resource_type].model_validate(resource)
        assert all(each not in (None, "", [], {}) for each in members(resource)), resource


def test_a_draft_is_a_proposal_for_this_patient_and_visit():
    resource = drafted()
    told = {key: resource[key] for key in ("status", "intent", "subject", "encounter", "requester", "authoredOn")}
    assert told == {
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "requester": {"reference": "Practitioner/d1"},
        "authoredOn": "2026-03-01",
    }


def test_a_client_may_need_the_intent_order():
    assert drafted(call=replace(CALL, intent="order"))["intent"] == "order"


def test_a_drug_is_named_by_code_and_our_words_without_a_display():
    assert drafted()["medicationCodeableConcept"] == {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1"}],
        "text": "Example drug 4 mg spray",
    }


def test_dosage_and_quantity_of_a_drug_are_filled_in():
    resource = drafted(replace(FULL, quantity="2 devices"))
    assert resource["dosageInstruction"] == [{"text": "one spray"}]
    assert resource["dispenseRequest"] == {"quantity": {"value": 2, "unit": "devices"}}


def test_a_service_without_a_code_has_its_words():
    assert drafted(Create("ServiceRequest", "Follow-up visit"))["code"] == {"text": "Follow-up visit"}


def test_within_becomes_the_period_in_which_it_should_happen():
    resource = drafted(Create("ServiceRequest", "Follow-up visit"), until=date(2026, 3, 8))
    assert resource["occurrencePeriod"] == {"start": "2026-03-01", "end": "2026-03-08"}


def test_a_decline_is_written_as_do_not_perform():
    assert drafted(Create("ServiceRequest", "Declined for now", do_not_perform=True))["doNotPerform"] is True


def test_a_condition_is_referred_to_as_the_reason():
    assert drafted(reason=CONDITION)["reasonReference"] == [{"reference": "Condition/c1"}]


def test_a_reason_of_another_type_is_given_in_words():
    resource = drafted(reason=DRUG)
    assert resource["reasonCode"] == [{"text": "oxycodone"}]
    assert "reasonReference" not in resource


def test_labels_pass_on_to_the_draft():
    resource = drafted(labels=frozenset({"42CFRPART2", "R"}))
    assert resource["meta"] == {
        "security": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"},
            {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"},
        ]
    }


def test_another_resource_type_is_refused():
    with pytest.raises(ValueError, match="Appointment"):
        drafted(Create("Appointment", "Visit"))
