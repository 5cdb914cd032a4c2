"""Whatever comes in at the door is answered with a 4xx that names the place, or with cards; never with a 500."""

import copy
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.core.problem import RequestProblem
from cds_service.protocol import ISSUES_SHOWN, read_call
from cds_service.strict_json import parse_json
from tests.http.small_release import HOOKS, SERVICE_OF, app_of, bundle, call

JSON = "application/json"


def post(client: FlaskClient, body: Any, hook: str = "patient-view", **more: Any) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/cds-services/{SERVICE_OF[hook]}", data=data, **{"content_type": JSON, **more})


def places(answered: TestResponse) -> list[str]:
    """The fields an OperationOutcome names, "" where it names none."""
    assert answered.json is not None
    assert answered.json["resourceType"] == "OperationOutcome"
    return [(each.get("expression") or [""])[0] for each in answered.json["issue"]]


def told(answered: TestResponse) -> str:
    assert answered.json is not None
    return "; ".join(each["details"]["text"] for each in answered.json["issue"])


WITH_BOM = "the body begins with a byte order mark; send UTF-8 without one"

# --- JSON -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        pytest.param(b"", "the body is not valid JSON at line 1 column 0", id="nothing"),
        pytest.param(b"hook=patient-view", "the body is not valid JSON at line 1 column 1", id="a form"),
        pytest.param(
            b'{"hook": "patient-view",}', "the body is not valid JSON at line 1 column 25", id="trailing comma"
        ),
        pytest.param(b'{"hook": 1} {}', "the body is not valid JSON at line 1 column 13", id="text after it"),
        pytest.param(
            b'{"hook": "\xff"}', "the body is not valid JSON at line 1 column 11; it is not UTF-8", id="not UTF-8"
        ),
        pytest.param('{"hook": 1}'.encode("utf-16"), WITH_BOM, id="UTF-16"),
        pytest.param('{"hook": 1}'.encode("utf-8-sig"), WITH_BOM, id="UTF-8 with a byte order mark"),
        pytest.param(b'{"a": 1,\n"a": 2}', "the body has a duplicate key at line 2 column 5", id="duplicate key"),
        pytest.param(b'{"a": NaN}', "the body is not valid JSON at line 1 column 7", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "the body is not valid JSON at line 1 column 8", id="infinity"),
        pytest.param(b"[" * 100_000, "the body is nested too deeply at line 1 column 202", id="100,000 deep"),
        pytest.param(
            b'{"a":' * 100_000, "the body is nested too deeply at line 1 column 1006", id="100,000 deep objects"
        ),
        pytest.param(b"[]", "the body must be a JSON object", id="an array"),
        pytest.param(b"null", "the body must be a JSON object", id="null"),
        pytest.param(b'"text"', "the body must be a JSON object", id="a string"),
    ],
)
def test_a_body_that_is_no_json_object_is_told_by_line_and_column(
    client: FlaskClient, body: bytes, wanted: str
) -> None:
    answered = post(client, body)
    assert (answered.status_code, told(answered)) == (400, wanted)


@pytest.mark.parametrize(
    "number",
    [
        "1e400",
        "-1e400",
        "1E+400",
        "12.5e308",
        "1" * 400,
        "1" * 250 + "e99",
        "1" * 250 + ".5e99",
        "1e0000400",
        "9" * 6000,
    ],
)
def test_a_number_beyond_a_double_is_refused(client: FlaskClient, number: str) -> None:
    answered = post(client, b'{"a": [{"b": %s}]}' % number.encode())
    assert answered.status_code == 400
    assert "number" in told(answered)
    assert "too large" in told(answered)


@pytest.mark.parametrize("number", ["1e30", "1e308", "-1.5E-400", "1" * 99, "0.1e5", "12e-999"])
def test_a_number_that_a_double_can_hold_is_taken(number: str) -> None:
    assert parse_json(b'{"a": %s}' % number.encode()) == {"a": json.loads(number)}


@pytest.mark.parametrize("text", ["12e345", "a1e400-2", ": 1e400", "1" * 400, "5e999999"])
def test_what_only_looks_like_a_number_inside_a_string_is_taken(text: str) -> None:
    assert parse_json(json.dumps([{"id": text}]).encode()) == [{"id": text}]


def test_a_duplicate_key_is_not_repeated_in_the_error(client: FlaskClient) -> None:
    answered = post(client, b'{"secret-key": 1, "secret-key": 2}')
    assert answered.status_code == 400
    assert "secret-key" not in answered.text


# --- media type, size -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/fhir+json", "application/x-www-form-urlencoded", ""]
)
def test_another_media_type_is_refused(client: FlaskClient, content_type: str) -> None:
    answered = post(client, call(), content_type=content_type)
    assert (answered.status_code, places(answered)) == (415, ["Content-Type"])


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_taken_with_parameters_and_in_any_case(client: FlaskClient, content_type: str) -> None:
    assert post(client, call(), content_type=content_type).status_code == 200


def test_an_encoding_that_is_left_blank_is_none(client: FlaskClient) -> None:
    assert post(client, call(), headers={"Content-Encoding": ""}).status_code == 200


def test_a_compressed_body_is_refused(client: FlaskClient) -> None:
    answered = post(client, call(), headers={"Content-Encoding": "gzip"})
    assert (answered.status_code, places(answered)) == (415, ["Content-Encoding"])


def test_a_body_of_20_mb_is_refused() -> None:
    answered = post(app_of(max_bytes=8_000_000).test_client(), b" " * 20_000_000)
    assert (answered.status_code, told(answered)) == (413, "the body is larger than 8000000 bytes")


def test_a_body_as_large_as_allowed_is_read() -> None:
    body = json.dumps(call()).encode()
    padded = body + b" " * (10_000 - len(body))
    client = app_of(max_bytes=10_000).test_client()
    assert [post(client, padded).status_code, post(client, padded + b" ").status_code] == [200, 413]


# --- envelope -------------------------------------------------------------------------------------------------------

WRONG = {
    "a number": 7,
    "true": True,
    "null": None,
    "an array": [],
    "an object": {},
    "empty text": "",
    "blank text": " ",
}
STRINGS = ["hook", "hookInstance", "context.userId", "context.patientId", "context.encounterId", "fhirServer"]
AUTHORIZATION_STRINGS = ["access_token", "token_type", "subject", "patient"]


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `body` with the member at a dotted path set."""
    copied = copy.deepcopy(body)
    *way, last = path.split(".")
    inside = copied
    for name in way:
        inside = inside[name]
    inside[last] = value
    return copied


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    copied = changed(body, path, None)
    inside = copied
    *way, last = path.split(".")
    for name in way:
        inside = inside[name]
    del inside[last]
    return copied


def authorized() -> dict[str, Any]:
    return {
        **call("encounter-discharge"),
        "fhirServer": "https://ehr.example.org/fhir",
        "fhirAuthorization": {
            "access_token": "opaque",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "PATIENT.READ",
            "subject": "client-1",
            "patient": "example-1",
        },
    }


def test_a_complete_envelope_is_taken(client: FlaskClient) -> None:
    assert post(client, authorized(), "encounter-discharge").status_code == 200


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("path", [*STRINGS, *(f"fhirAuthorization.{each}" for each in AUTHORIZATION_STRINGS)])
def test_a_member_that_is_no_text_is_named(client: FlaskClient, path: str, wrong: str) -> None:
    answered = post(client, changed(authorized(), path, WRONG[wrong]), "encounter-discharge")
    assert (answered.status_code, places(answered)) == (400, [path])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(
            (name, value)
            for name in ("context", "fhirAuthorization", "prefetch")
            for value in (7, "", None, [], "text")
        ),
        ("fhirAuthorization.expires_in", "300"),
        ("fhirAuthorization.expires_in", True),
        ("fhirAuthorization.expires_in", None),
        ("fhirAuthorization.expires_in", 2.5),
        ("fhirAuthorization.scope", None),
        ("fhirAuthorization.scope", ["a"]),
        ("fhirAuthorization.token_type", "Basic"),
        ("fhirServer", "ehr.example.org"),
        ("fhirServer", "file:///etc/hosts"),
        ("hookInstance", "12345"),
        ("hookInstance", "0f1e2d3c-4b5a-11f0-8977-123456789abc "),
        ("hook", "patient-view"),
        ("context.userId", "example-user"),
        ("context.userId", "Device/1"),
        ("context.patientId", "Patient/example-1"),
        ("context.patientId", "https://ehr.example.org/fhir/Patient/1"),
    ],
)
def test_a_member_of_the_wrong_form_is_named(client: FlaskClient, path: str, value: Any) -> None:
    answered = post(client, changed(authorized(), path, value), "encounter-discharge")
    assert (answered.status_code, places(answered)) == (400, [path])


@pytest.mark.parametrize(
    "path",
    ["hook", "hookInstance", "context", "context.userId", "context.patientId", "context.encounterId", "fhirServer"]
    + [f"fhirAuthorization.{each}" for each in ("access_token", "token_type", "expires_in", "scope", "subject")],
)
def test_a_missing_member_is_named(client: FlaskClient, path: str) -> None:
    answered = post(client, without(authorized(), path), "encounter-discharge")
    assert (answered.status_code, places(answered)) == (400, [path])
    assert "required" in told(answered)


@pytest.mark.parametrize(
    ("hook", "path"),
    [
        ("order-select", "context.draftOrders"),
        ("order-select", "context.selections"),
        ("order-sign", "context.draftOrders"),
    ],
)
def test_an_order_hook_needs_its_orders(client: FlaskClient, hook: str, path: str) -> None:
    answered = post(client, without(call(hook), path), hook)
    assert (answered.status_code, places(answered)) == (400, [path])


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, "context.draftOrders"),
        ([], "context.draftOrders"),
        ("text", "context.draftOrders"),
        ({}, "context.draftOrders.resourceType"),
        ({"resourceType": "MedicationRequest"}, "context.draftOrders.resourceType"),
        ({"resourceType": "Bundle", "entry": {}}, "context.draftOrders.entry"),
        ({"resourceType": "Bundle", "entry": None}, "context.draftOrders.entry"),
        ({"resourceType": "Bundle", "entry": [{}, 7]}, "context.draftOrders.entry[1]"),
        ({"resourceType": "Bundle", "entry": [{"resource": []}]}, "context.draftOrders.entry[0].resource"),
    ],
)
def test_draft_orders_that_are_no_bundle_are_told_where(client: FlaskClient, value: Any, place: str) -> None:
    answered = post(client, changed(call("order-sign"), "context.draftOrders", value), "order-sign")
    assert (answered.status_code, places(answered)) == (400, [place])


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, "context.selections"),
        ("MedicationRequest/draft-1", "context.selections"),
        ([], "context.selections"),
        ([None], "context.selections[0]"),
        (["draft-1"], "context.selections[0]"),
        (["MedicationRequest/draft-1", "MedicationRequest/other"], "context.selections[1]"),
        (["ServiceRequest/draft-1"], "context.selections[0]"),
    ],
)
def test_selections_must_refer_to_draft_orders(client: FlaskClient, value: Any, place: str) -> None:
    answered = post(client, changed(call("order-select"), "context.selections", value), "order-select")
    assert (answered.status_code, places(answered)) == (400, [place])


@pytest.mark.parametrize(
    ("entry", "selection"),
    [
        ({}, "https://ehr.example.org/fhir/MedicationRequest/draft-1"),
        ({"fullUrl": "https://ehr.example.org/fhir/MedicationRequest/temp-9"}, "MedicationRequest/temp-9"),
    ],
    ids=["an absolute reference", "the id in fullUrl"],
)
def test_a_selection_finds_its_draft_order(client: FlaskClient, entry: dict[str, Any], selection: str) -> None:
    body = changed(call("order-select"), "context.selections", [selection])
    body["context"]["draftOrders"]["entry"][0] |= entry
    assert post(client, body, "order-select").status_code == 200


def test_every_fault_of_an_envelope_is_told_at_once(client: FlaskClient) -> None:
    answered = post(client, {"hookInstance": "x", "context": {"userId": 1}, "prefetch": []})
    assert sorted(places(answered)) == ["context.patientId", "context.userId", "hook", "hookInstance", "prefetch"]


def test_a_long_list_of_faults_is_cut_short(client: FlaskClient) -> None:
    body = changed(call("order-select"), "context.selections", [f"MedicationRequest/{each}" for each in range(1000)])
    answered = post(client, body, "order-select")
    wanted = [*(f"context.selections[{each}]" for each in range(20)), ""]
    assert (answered.status_code, places(answered)) == (400, wanted)
    assert told(answered).endswith("; and 980 more faults")


def test_no_error_repeats_a_value_of_the_request(client: FlaskClient) -> None:
    body = json.loads(json.dumps(authorized()).replace("example", "SECRET").replace("opaque", "SECRET"))
    body["hookInstance"] = body["hook"] = body["fhirServer"] = body["context"]["patientId"] = "SECRET / SECRET"
    answered = post(client, body, "encounter-discharge")
    assert answered.status_code == 400
    assert "SECRET" not in answered.text


@pytest.mark.parametrize("hook", HOOKS)
def test_unknown_members_are_tolerated_everywhere(client: FlaskClient, hook: str) -> None:
    body = {**call(hook), "extension": {"org.example": {"a": None}}, "newMember": [1]}
    body["context"]["newField"] = {"b": None}
    body["prefetch"]["-site-key"] = "an HTML page"
    assert post(client, body, hook).status_code == 200


# --- prefetch -------------------------------------------------------------------------------------------------------

ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}


@pytest.mark.parametrize(
    "value",
    [None, ERROR, [], {}, "<html></html>", 7, True, {"resourceType": "Bundle"}, {"resourceType": "Observation"}],
    ids=lambda value: json.dumps(value)[:30],
)
def test_a_patient_that_cannot_be_read_is_412_and_names_the_key(client: FlaskClient, value: Any) -> None:
    answered = post(client, changed(call(), "prefetch.patient", value))
    assert (answered.status_code, places(answered)) == (412, ["prefetch.patient"])


def test_a_call_without_prefetch_is_412_and_names_every_key(client: FlaskClient) -> None:
    answered = post(client, without(call(), "prefetch"))
    assert (answered.status_code, places(answered)) == (412, ["prefetch.patient", "prefetch.conditions"])


@pytest.mark.parametrize(
    "value",
    [ERROR, "<html></html>", 7, True, {}, bundle(ERROR), {"resourceType": "Bundle", "entry": 3}],
    ids=lambda value: json.dumps(value)[:40],
)
def test_a_list_that_cannot_be_read_does_not_hide_another_rules_card(client: FlaskClient, value: Any) -> None:
    answered = post(client, changed(call(), "prefetch.conditions", value))
    assert answered.status_code == 200
    assert answered.json is not None
    assert [each["extension"]["org.oud-cds.rule"]["ruleId"] for each in answered.json["cards"]] == ["adult-note"]
    assert list(answered.json["extension"]["org.oud-cds.evaluation"]["unread"]) == ["conditions"]


def test_a_long_list_of_wrong_selections_is_one_fault(client: FlaskClient) -> None:
    body = call("order-select")
    body["context"]["selections"] = [7] * 1001
    answered = client.post("/cds-services/oud-order-select", json=body)
    assert answered.json is not None
    told = [each["details"]["text"] for each in answered.json["issue"]]
    assert (answered.status_code, told) == (400, ["context.selections: has more than 1000 entries"])


def test_of_many_wrong_entries_only_so_many_are_looked_at() -> None:
    body = call("order-sign")
    body["context"]["draftOrders"]["entry"] = [7] * 100_000
    with pytest.raises(RequestProblem) as caught:
        read_call(body, "order-sign")
    assert len(caught.value.issues) == ISSUES_SHOWN + 1
