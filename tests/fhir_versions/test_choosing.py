"""Which version a call is read as and answered in: what is registered, else what its server states, else its shape."""

from dataclasses import replace
from itertools import product
from typing import Any

import fhir.resources
import fhir.resources.STU3
import pytest

from cds_service.clients.profiles import EPIC
from cds_service.core.card import Reason
from cds_service.core.fitting import fitted
from cds_service.core.profile import GENERIC
from cds_service.core.rule import Create
from cds_service.fhir import r4, r5, stu3
from cds_service.fhir.draft import draft
from cds_service.fhir.draft_spelling import draft_r5, draft_stu3
from cds_service.fhir.lacking import query
from cds_service.fhir.prefetch import PREFETCH
from cds_service.fhir.sniff import LOOKED_AT, Shape, sniff
from cds_service.fhir.versions import DIALECTS, dialect, served_version
from tests.unit.card_world import CALL

Json = dict[str, Any]
R4_MED = {"resourceType": "MedicationRequest", "medicationCodeableConcept": {}}
R4_ORDER = {"resourceType": "ServiceRequest", "code": {"text": "a test"}}
NEUTRAL = {"resourceType": "Observation", "code": {}, "effectiveDateTime": "2026-01-01"}
R5_ONLY = (
    {"resourceType": "MedicationStatement", "status": "recorded"},
    {"resourceType": "MedicationDispense", "medication": {"concept": {}}},
    {"resourceType": "Encounter", "class": []},
    {"resourceType": "Encounter", "actualPeriod": {}},
    {"resourceType": "Procedure", "occurrenceDateTime": "2026"},
    {"resourceType": "ServiceRequest", "code": {"concept": {}}},
)
STU3_ONLY = (
    {"resourceType": "Condition", "clinicalStatus": "active"},
    {"resourceType": "AllergyIntolerance", "verificationStatus": "confirmed"},
    {"resourceType": "MedicationStatement", "taken": "y"},
    {"resourceType": "ProcedureRequest"},
    {"resourceType": "ReferralRequest"},
    {"resourceType": "Observation", "context": {}},
    {"resourceType": "Condition", "category": [{"coding": [{"system": "http://hl7.org/fhir/condition-category"}]}]},
    {"resourceType": "MedicationRequest", "requester": {"agent": {}}},
)


def bundle(*resources: Any) -> Json:
    return {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}


@pytest.mark.parametrize(("resource", "wanted"), [*((r, "R5") for r in R5_ONLY), *((r, "STU3") for r in STU3_ONLY)])
def test_one_mark_tells_the_version(resource: Json, wanted: str) -> None:
    assert sniff({}, {"any": bundle(NEUTRAL, resource)}) == Shape(wanted, wanted)
    assert sniff({}, {"any": [bundle(NEUTRAL), bundle(bundle(resource))]}) == Shape(wanted, wanted)  # pages of a list
    assert sniff({}, {"any": [resource]}) == sniff({}, {"any": resource}) == Shape(wanted, wanted)
    assert sniff({"draftOrders": bundle(resource)}, {}) == Shape(wanted, wanted)


@pytest.mark.parametrize("resource", [*R5_ONLY, *STU3_ONLY])
def test_marks_that_contradict_each_other_are_all_read_and_answered_in_r4(resource: Json) -> None:
    against = R4_ORDER if resource in STU3_ONLY else {**R4_MED, "category": []}
    shape = sniff({}, {"medicationRequests": bundle(against), "any": bundle(resource)})
    assert shape == Shape("R5" if resource in R5_ONLY else "STU3", "R4")


@pytest.mark.parametrize(
    "value", [None, "x", 7, [], {}, [None], bundle(None, 7, {}), {"resourceType": ["Bundle"]}, R4_MED]
)
def test_without_a_mark_it_is_r4(value: Any) -> None:
    assert sniff({"draftOrders": value}, {"any": value}) == sniff(value, value) == Shape("R4", "R4")


def test_only_the_first_resources_of_a_list_are_looked_at() -> None:
    assert sniff({}, {"a": bundle(*[NEUTRAL] * (LOOKED_AT - 1), R5_ONLY[0])}).read == "R5"
    assert sniff({}, {"a": bundle(*[NEUTRAL] * LOOKED_AT, R5_ONLY[0])}).read == "R4"


@pytest.mark.parametrize(
    ("stated", "read", "write"), [("R4", r4, draft), ("R5", r5, draft_r5), ("STU3", stu3, draft_stu3)]
)
def test_what_is_registered_goes_before_server_and_shape(stated: str, read: Any, write: Any) -> None:
    for resource, served in product((R4_MED, R5_ONLY[0], STU3_ONLY[0]), ("", "R4", "R5", "STU3")):
        spoken = dialect(stated, served, {}, {"any": bundle(resource)})
        assert (spoken.read, spoken.draft) == (read, write)


@pytest.mark.parametrize(
    ("resource", "served", "wanted"),
    [
        (NEUTRAL, "R5", "R5"),  # no mark: what the server states
        (NEUTRAL, "STU3", "STU3"),
        (NEUTRAL, "R4", "R4"),
        (NEUTRAL, "", "R4"),
        ({"resourceType": "Condition", "recordedDate": "2026"}, "R5", "R5"),  # a mark of R4 and R5
        ({"resourceType": "Condition", "recordedDate": "2026"}, "STU3", "R4"),  # that is against STU3
        (R5_ONLY[0], "R5", "R5"),
        (R5_ONLY[0], "R4", "R5"),  # the server says what was sent is not
        (STU3_ONLY[0], "R5", "STU3"),
        (R4_MED, "R5", "R4"),
    ],
)
def test_what_a_server_states_holds_unless_a_mark_speaks_against_it(resource: Json, served: str, wanted: str) -> None:
    assert dialect("", served, {}, {"any": bundle(resource)}) == DIALECTS[wanted]
    assert dialect("", served, {"draftOrders": bundle(resource)}, {}) == DIALECTS[wanted]


@pytest.mark.parametrize(("served", "written"), [("", draft), ("R4", draft), ("STU3", draft), ("R5", draft_r5)])
def test_a_mixed_chart_is_read_as_the_other_version_and_written_in_r4_unless_the_server_states_the_other(
    served: str, written: Any
) -> None:
    spoken = dialect("", served, {}, {"any": bundle(R4_MED, R5_ONLY[0])})
    assert (spoken.read, spoken.draft, spoken.never_declined) == (r5, written, frozenset())


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ("3.0.0", "STU3"), ("3.0.1", "STU3"), ("3.0.2", "STU3"), ("4.0.0", "R4"), ("4.0.1", "R4"), ("4.3.0", "R4"),
        ("5.0.0", "R5"), ("1.0.2", ""), ("3.5.0", ""), ("4.1.0", ""), ("5.0.0-ballot", ""), ("6.0.0", ""),
        ("4.0", ""), ("R4", ""), ("", ""), (None, None), (4.0, None),
    ],
)  # fmt: skip
def test_a_server_states_its_version_by_a_release_of_fhir(named: Any, wanted: str | None) -> None:
    assert served_version({"resourceType": "CapabilityStatement", "fhirVersion": named}) == wanted


@pytest.mark.parametrize(
    "value", [None, [], "x", {}, {"fhirVersion": "4.0.1"}, {"resourceType": "Conformance", "fhirVersion": "4.0.1"}]
)
def test_what_is_no_capability_statement_states_nothing(value: Any) -> None:
    assert served_version(value) is None


# --- queries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["R4", "R5", "STU3"])
def test_a_version_is_asked_in_the_words_of_discovery_but_for_what_it_has_not(version: str) -> None:
    others = {
        "R4": {},
        "R5": {"medicationAdministrations": "MedicationAdministration?patient=p1&_sort=-date&_count=300"},
        "STU3": {"serviceRequests": "ProcedureRequest?patient=p1&_sort=-authored&_count=200"},
    }[version]
    asked = {key: query(key, "p1", DIALECTS[version].read) for key in PREFETCH}
    assert asked == {key: others.get(key, query(key, "p1")) for key in PREFETCH}


# --- drafts ----------------------------------------------------------------------------------------------------------

REASONS = (
    None,
    Reason("Condition/c1", lambda: "opioid use disorder"),
    Reason("MedicationRequest/m1", lambda: "a drug"),
)


def drafted(version: str, create: Create, **given: Any) -> Json:
    call = replace(
        CALL, encounter_reference="Encounter/e1", requester_reference=given.pop("requester", "Practitioner/p")
    )
    whole = {"reason": None, "until": None, "labels": frozenset(), **given}
    told: Json = DIALECTS[version].draft(create, call, **whole)
    return told


@pytest.mark.parametrize("version", ["R5", "STU3"])
@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest"])
def test_every_combination_is_a_valid_draft(version: str, kind: str) -> None:
    models = fhir.resources if version == "R5" else fhir.resources.STU3
    code = ("http://www.nlm.nih.gov/research/umls/rxnorm", "1")
    labels = (frozenset(), frozenset({"42CFRPART2", "R"}))
    until = (None, CALL.today)
    for coded, quantity, reason, last, labelled, never in product(
        (code, None), (None, "2"), REASONS, until, labels, (0, 1)
    ):
        if never and (version, kind) == ("STU3", "MedicationRequest"):
            continue
        create = Create(kind, "Example", coded, "one spray", quantity, do_not_perform=bool(never))
        resource = drafted(version, create, reason=reason, until=last, labels=labelled)
        models.get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert resource.get("doNotPerform", False) is bool(never)


def test_r5_has_codeable_references() -> None:
    order = drafted("R5", Create("MedicationRequest", "Drug", None), reason=REASONS[1])
    assert order["medication"] == {"concept": {"text": "Drug"}}
    assert order["reason"] == [{"reference": {"reference": "Condition/c1"}}]
    service = drafted("R5", Create("ServiceRequest", "Test", None), reason=REASONS[2])
    assert (service["code"], service["reason"]) == ({"concept": {"text": "Test"}}, [{"concept": {"text": "a drug"}}])


def test_stu3_has_other_names() -> None:
    order = drafted("STU3", Create("ServiceRequest", "Test", None), labels=frozenset({"R"}))
    assert (order["resourceType"], order["context"]) == ("ProcedureRequest", {"reference": "Encounter/e1"})
    assert order["requester"] == {"agent": {"reference": "Practitioner/p"}}
    assert {each["system"] for each in order["meta"]["security"]} == {"http://hl7.org/fhir/v3/Confidentiality"}
    assert "requester" not in drafted("STU3", Create("ServiceRequest", "Test", None), requester="PractitionerRole/r")


def card(resource: Json) -> Json:
    suggestion = {"label": "x", "actions": [{"type": "create", "resource": resource}]}
    return {"summary": "x", "detail": "", "suggestions": [suggestion]}


@pytest.mark.parametrize(("kind", "sent"), [("MedicationRequest", 0), ("ServiceRequest", 1)])
def test_what_stu3_cannot_decline_is_never_sent(kind: str, sent: int) -> None:
    resource = drafted("STU3", Create(kind, "Example", None, do_not_perform=True))
    body = {"cards": [card(resource)], "extension": {"org.oud-cds.evaluation": {}}}
    (fit,) = fitted(body, DIALECTS["STU3"].fit(GENERIC))["cards"]
    assert len(fit.get("suggestions", ())) == sent


@pytest.mark.parametrize("version", ["R4", "R5", "STU3"])
@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest", "Device"])
def test_what_a_profile_lets_a_client_create_it_may_create_in_the_words_of_its_version(version: str, kind: str) -> None:
    create = Create(kind if kind != "Device" else "ServiceRequest", "Example", ("urn:a", "1"))
    resource = drafted(version, create)
    if kind == "Device":
        resource["resourceType"] = kind
    body = {"cards": [card(resource)], "extension": {"org.oud-cds.evaluation": {}}}
    answered = fitted(body, DIALECTS[version].fit(EPIC))
    kept = [each["actions"][0]["resource"]["resourceType"] for each in answered["cards"][0].get("suggestions", ())]
    in_stu3 = {"ServiceRequest": "ProcedureRequest"} if version == "STU3" else {}
    assert kept == ([] if kind == "Device" else [in_stu3.get(kind, kind)])


@pytest.mark.parametrize("version", ["R4", "R5", "STU3"])
@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest"])
@pytest.mark.parametrize("code", [None, ("urn:a", "1")])
def test_a_code_is_found_in_the_draft_of_any_version(version: str, kind: str, code: Any) -> None:
    body = {
        "cards": [card(drafted(version, Create(kind, "Example", code)))],
        "extension": {"org.oud-cds.evaluation": {}},
    }
    (fit,) = fitted(body, replace(GENERIC, coded_only=True))["cards"]
    assert len(fit.get("suggestions", ())) == (0 if code is None else 1)
