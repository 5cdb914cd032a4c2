"""A call with any part replaced by anything is answered 200, 400 or 412: never 500, and never for another patient."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.config import Settings
from cds_service.wiring import build_app
from tests.http.small_release import HOOKS, SERVICE_OF, SNOMED, TODAY, app_of, bundle, call

CLIENT = app_of().test_client()
SUBJECT = {"reference": "Patient/example-1"}
CONDITION = {
    "resourceType": "Condition",
    "id": "condition-1",
    "meta": {"security": [{"code": "N"}]},
    "subject": SUBJECT,
    "code": {"coding": [{"system": SNOMED, "code": "195967001"}], "text": "asthma"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "onsetPeriod": {"start": "2026-01", "end": "2026-02-01T10:00:00Z"},
    "category": [{"coding": [{"code": "problem-list-item"}]}],
}
OTHERS = {
    "medicationRequests": {
        "resourceType": "MedicationRequest",
        "id": "request-1",
        "status": "active",
        "intent": "order",
        "subject": SUBJECT,
        "authoredOn": "2026-02-01",
        "medicationReference": {"reference": "#drug"},
        "contained": [{"resourceType": "Medication", "id": "drug", "code": {"text": "example drug"}}],
        "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2026-02-01"}}}}],
        "dispenseRequest": {"expectedSupplyDuration": {"value": 30, "unit": "d"}, "numberOfRepeatsAllowed": 2},
    },
    "labs": {
        "resourceType": "Observation",
        "id": "observation-1",
        "status": "final",
        "subject": SUBJECT,
        "code": {"coding": [{"system": "http://loinc.org", "code": "0-0"}]},
        "effectiveDateTime": "2026-02-01",
        "valueQuantity": {"value": 5.5, "comparator": "<", "unit": "U/L"},
        "component": [{"code": {"text": "part"}, "valueInteger": 3}],
    },
    "encounters": {
        "resourceType": "Encounter",
        "id": "stay-1",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": SUBJECT,
        "period": {"start": "2026-02-01"},
    },
}

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["Patient/example-1", "2026-02-30", "0000-00-00", "9999-12-31", "\u0000", "#", "urn:uuid:x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def full_call(hook: str) -> dict[str, Any]:
    body = call(hook)
    body["fhirServer"] = "https://ehr.example.org/fhir"
    body["prefetch"]["conditions"] = bundle(CONDITION)
    body["prefetch"] |= {key: bundle(each) for key, each in OTHERS.items()}
    return body


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every member and item inside `value`, by the way that leads to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*way, name)
        yield from places(inner, (*way, name))


def replaced(body: dict[str, Any], way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(body)
    inside: Any = copied
    for name in way[:-1]:
        inside = inside[name]
    inside[way[-1]] = value
    return copied


CALLS = {hook: full_call(hook) for hook in HOOKS}
WAYS = [(hook, way) for hook in HOOKS for way in places(CALLS[hook])]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_call_that_is_changed_is_a_good_one(hook: str) -> None:
    assert CLIENT.post(f"/cds-services/{SERVICE_OF[hook]}", json=CALLS[hook]).status_code == 200


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(place=st.sampled_from(WAYS), value=JSON_VALUES)
def test_any_part_may_be_anything(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    hook, way = place
    body = json.dumps(replaced(CALLS[hook], way, value))  # not Flask's encoder, which stops at 64-bit integers
    answered = CLIENT.post(f"/cds-services/{SERVICE_OF[hook]}", data=body, content_type="application/json")
    assert answered.status_code in (200, 400, 412), (way, value)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("value", [None, "", 0, [], {}, [None], [[]], {"resourceType": 7}], ids=json.dumps)
def test_every_part_may_be_the_usual_surprises(hook: str, value: Any) -> None:
    url = f"/cds-services/{SERVICE_OF[hook]}"
    statuses = {
        way: CLIENT.post(url, json=replaced(CALLS[hook], way, value)).status_code for way in places(CALLS[hook])
    }
    assert {way: status for way, status in statuses.items() if status not in (200, 400, 412)} == {}


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(body=st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_400(body: bytes) -> None:
    answered = CLIENT.post("/cds-services/oud-order-sign", data=body, content_type="application/json")
    assert answered.status_code == 400


SURPRISES = [None, "", 0, -1, 1e300, 10**300, True, [], {}, [None], {"resourceType": 7}, "2026-02-30", "9999-12-31"]


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS)
def test_the_rules_in_service_stand_any_surprise_in_any_place(hook: str) -> None:
    rules = Path(__file__).parents[2] / "rules"
    client = build_app(Settings(auth="off", rules=rules, today=TODAY)).test_client()
    body = full_call(hook)
    body["prefetch"]["conditions"]["entry"][0]["resource"]["code"] = {
        "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "F11.20"}]
    }
    if "draftOrders" in body["context"]:
        body["context"]["draftOrders"]["entry"][0]["resource"]["medicationCodeableConcept"] = {"text": "naltrexone"}
    discovery = client.get("/cds-services").json
    assert discovery is not None
    for service in discovery["services"]:
        body["prefetch"] = {**dict.fromkeys(service["prefetch"]), **body["prefetch"]}
    wrong = []
    for way in places(body):
        for value in SURPRISES:
            sent = json.dumps(replaced(body, way, value))
            answered = client.post(f"/cds-services/{SERVICE_OF[hook]}", data=sent, content_type="application/json")
            told = answered.json or {}
            failed = answered.status_code == 200 and told["extension"]["org.oud-cds.evaluation"].get("failed")
            if failed or answered.status_code not in (200, 400, 412):
                wrong.append((way, value, answered.status_code, failed))
    assert wrong == []
