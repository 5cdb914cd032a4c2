"""openapi.yaml says what the code does: routes, statuses, and the envelope field by field."""

import copy
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema, fields
from openapi_spec_validator import validate

from cds_service.config import Settings
from cds_service.feedback import FeedbackItemSchema, OneOrMany
from cds_service.fixtures import find, names
from cds_service.protocol import CONTEXTS, SPEC_VERSION, BoundedList, CallSchema, FhirAuthorizationSchema
from cds_service.services import SERVICES
from cds_service.wiring import build_app
from tests.http.small_release import app_of, call

TYPES = {
    fields.String: "string",
    fields.Integer: "integer",
    fields.Dict: "object",
    fields.Nested: "object",
    fields.List: "array",
    BoundedList: "array",
    OneOrMany: "",  # an object or an array
}
CONTEXT_SCHEMAS = {
    "patient-view": "PatientViewContext",
    "order-select": "OrderSelectContext",
    "order-sign": "OrderSignContext",
    "encounter-discharge": "EncounterDischargeContext",
}


def routes(app: Flask) -> set[tuple[str, str]]:
    """Every path and method of the app, in the words of OpenAPI. HEAD and OPTIONS come by themselves."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def resolved(contract: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = contract
    if "$ref" not in schema:
        return schema
    for name in schema["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def shape_of(schema: Schema) -> tuple[set[str], dict[str, str]]:
    """Required members and the JSON type of every member that a marshmallow schema knows."""
    named = {each.data_key or name: each for name, each in schema.fields.items()}
    return {name for name, each in named.items() if each.required}, {
        name: TYPES[type(each)] for name, each in named.items()
    }


def shape_in(contract: dict[str, Any], name: str) -> tuple[set[str], dict[str, str]]:
    schema = contract["components"]["schemas"][name]
    types = {member: resolved(contract, each)["type"] for member, each in schema["properties"].items()}
    return set(schema["required"]), types


def test_the_contract_is_valid_openapi(contract: dict[str, Any]) -> None:
    validate(contract)


def test_every_route_is_in_the_contract_and_nothing_else(contract: dict[str, Any]) -> None:
    written = {(path, method) for path, item in contract["paths"].items() for method in item}
    assert written == routes(app_of())


def test_the_call_has_the_statuses_the_design_names(contract: dict[str, Any]) -> None:
    statuses = set(contract["paths"]["/cds-services/{service_id}"]["post"]["responses"])
    assert statuses == {"200", "400", "401", "403", "404", "408", "412", "413", "415", "422", "429", "500"}


def test_what_wants_a_token_says_so_and_nothing_else_does(contract: dict[str, Any]) -> None:
    guarded = {
        path
        for path, item in contract["paths"].items()
        for operation in item.values()
        if {"401", "403", "429"} <= set(operation["responses"])
    }
    secured = {
        path
        for path, item in contract["paths"].items()
        for operation in item.values()
        if operation.get("security") == [{}, {"jwt": []}]
    }
    hooks = {path for path in contract["paths"] if path.startswith("/cds-services")}
    assert guarded == secured == {*hooks, "/rules/{rule_id}/explain"}


def test_an_explanation_has_the_statuses_of_a_call(contract: dict[str, Any]) -> None:
    call_, explanation = (
        set(contract["paths"][path]["post"]["responses"])
        for path in ("/cds-services/{service_id}", "/rules/{rule_id}/explain")
    )
    assert explanation == call_


def test_feedback_has_the_statuses_of_a_call_but_412_and_422(contract: dict[str, Any]) -> None:
    statuses = set(contract["paths"]["/cds-services/{service_id}/feedback"]["post"]["responses"])
    assert statuses == {"200", "400", "401", "403", "404", "408", "413", "415", "429", "500", "503"}


def test_every_error_of_the_contract_is_an_operation_outcome(contract: dict[str, Any]) -> None:
    for item in contract["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if status != "200":
                    content = resolved(contract, response)["content"]
                    schema = content["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/OperationOutcome"}


def test_services_and_hooks_are_those_of_the_code(contract: dict[str, Any]) -> None:
    parameter = contract["components"]["parameters"]["ServiceId"]
    service = contract["components"]["schemas"]["Service"]["properties"]
    assert parameter["schema"]["enum"] == list(SERVICES)
    assert service["hook"]["enum"] == [each.hook for each in SERVICES.values()]
    assert service["version"]["const"] == SPEC_VERSION


def test_the_envelope_is_that_of_the_code(contract: dict[str, Any]) -> None:
    assert shape_in(contract, "HookCall") == shape_of(CallSchema())


def test_the_authorization_is_that_of_the_code(contract: dict[str, Any]) -> None:
    assert shape_in(contract, "FhirAuthorization") == shape_of(FhirAuthorizationSchema())


def test_an_item_of_feedback_is_that_of_the_code(contract: dict[str, Any]) -> None:
    required, types = shape_of(FeedbackItemSchema())
    schema = contract["components"]["schemas"]["FeedbackItem"]
    assert set(schema["required"]) == required
    assert set(schema["properties"]) == set(types)


@pytest.mark.parametrize("hook", CONTEXTS)
def test_a_context_is_that_of_the_code(contract: dict[str, Any], hook: str) -> None:
    assert shape_in(contract, CONTEXT_SCHEMAS[hook]) == shape_of(CONTEXTS[hook])


# --- the rules and fixtures of this tree -----------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def served() -> FlaskClient:
    return build_app(Settings(auth="off", rules=ROOT / "rules", today=TODAY)).test_client()


def test_discovery_of_the_rules_in_service_keeps_to_the_contract(
    served: FlaskClient, faults_of: Callable[[Any, str], list[str]]
) -> None:
    assert faults_of(served.get("/cds-services").json, "Discovery") == []


def test_every_rule_in_service_keeps_to_the_contract(
    served: FlaskClient, faults_of: Callable[[Any, str], list[str]]
) -> None:
    listed = served.get("/rules").json
    assert listed is not None
    faults = {each["url"]: faults_of(served.get(each["url"]).json, "Rule") for each in listed["rules"]}
    assert {url: found for url, found in faults.items() if found} == {}


@pytest.mark.parametrize("name", names())
def test_a_fixture_is_answered_within_the_contract(
    served: FlaskClient, faults_of: Callable[[Any, str], list[str]], name: str
) -> None:
    fixture = find(name)
    service = next((each.id for each in SERVICES.values() if each.hook == fixture.hook), "oud-patient-view")
    answered = served.post(f"/cds-services/{service}", json=fixture.on(TODAY))
    assert faults_of(answered.json, "Answer" if answered.status_code == 200 else "OperationOutcome") == []


def test_the_contract_refuses_what_the_service_refuses(faults_of: Callable[[Any, str], list[str]]) -> None:
    wrong: dict[str, Any] = {
        "hook": ("", "no-such-hook"),
        "hookInstance": ("", "12345"),
        "fhirServer": ("", "ehr.example.org"),
        "userId": ("", "Device/1", "example-user"),
        "patientId": ("", " ", "Patient/example-1"),
        "draftOrders": ({}, {"resourceType": "Bundle", "entry": {}}, {"resourceType": "Bundle", "entry": [7]}),
        "selections": ([], ["draft-1"], [7]),
    }
    good = call("order-select")
    assert faults_of(good, "HookCall") == faults_of(good["context"], "OrderSelectContext") == []
    client = app_of().test_client()
    for name, values in wrong.items():
        for value in values:
            body = copy.deepcopy(good)
            inside = body["context"] if name in body["context"] else body
            inside[name] = value
            faults = faults_of(body["context"], "OrderSelectContext") + faults_of(body, "HookCall")
            assert faults, (name, value)
            assert client.post("/cds-services/oud-order-select", json=body).status_code == 400, (name, value)
