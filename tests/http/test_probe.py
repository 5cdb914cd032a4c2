"""Calls as EHRs and other clients really send them, to the rules of this tree.

Each starts from a fixture that is answered with cards (or, for an opioid-free person, with none) and changes one thing.
"""

import copy
import gzip
import json
import logging
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.config import Settings
from cds_service.fixtures import find, names
from cds_service.services import SERVICES
from cds_service.wiring import build_app

Change = Callable[[dict[str, Any]], Any]

TODAY = date(2026, 3, 1)
SERVICE_OF = {each.hook: each.id for each in SERVICES.values()}
UNTREATED = "patient-view/untreated-oud-icd10"
NALTREXONE = "order-sign/naltrexone-after-oxycodone"
CHOOSING = "order-select/naltrexone-after-oxycodone"
OPIOID_FREE = "order-sign/naltrexone-opioid-free"
LEAVING = "encounter-discharge/leaving-untreated"
AT_EACH_HOOK = (UNTREATED, CHOOSING, NALTREXONE, LEAVING)
LONG_ID = "eX.y_Z-" + "a1" * 70  # EHRs send ids beyond FHIR's 64 characters


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    rules = Path(__file__).parents[2] / "rules"
    return build_app(Settings(auth="off", rules=rules, today=TODAY)).test_client()


def body_of(name: str, change: Change | None = None) -> dict[str, Any]:
    body = copy.deepcopy(find(name).on(TODAY))
    if change is not None:
        change(body)
    return body


def send(client: FlaskClient, name: str, change: Change | None = None) -> TestResponse:
    body = body_of(name, change)
    return client.post(f"/cds-services/{SERVICE_OF[find(name).hook]}", json=body)


def told(answered: TestResponse) -> Any:
    """The cards of a 200 as rule and indicator; the fields an OperationOutcome names."""
    body = answered.json
    assert body is not None
    if answered.status_code == 200:
        return [(each["extension"]["org.oud-cds.rule"]["ruleId"], each["indicator"]) for each in body["cards"]]
    return [(each.get("expression") or [""])[0] for each in body["issue"]]


def unread(answered: TestResponse) -> dict[str, str]:
    assert answered.json is not None
    return dict(answered.json["extension"]["org.oud-cds.evaluation"].get("unread", {}))


def drafts(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(body["context"]["draftOrders"]["entry"])


def list_is(key: str, value: Any) -> Change:
    return lambda body: body["prefetch"].update({key: value})


def bundle(*entries: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}


def outcome(severity: str, code: str = "processing", detail: str = "") -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": severity, "code": code}
    if detail:
        issue["details"] = {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": detail}]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


# --- as EHRs send orders ----------------------------------------------------------------------------------------------


def medication_beside(body: dict[str, Any]) -> None:
    order = drafts(body)[0]["resource"]
    code = order.pop("medicationCodeableConcept")
    order["medicationReference"] = {"reference": f"Medication/{LONG_ID}"}
    body["context"]["draftOrders"]["entry"].append(
        {"resource": {"resourceType": "Medication", "id": LONG_ID, "code": code}}
    )


def absolute_and_long(body: dict[str, Any]) -> None:
    own = body["context"]["patientId"]
    text = json.dumps(body).replace(own, LONG_ID)
    text = text.replace(f'"Patient/{LONG_ID}', f'"https://ehr.example.org/api/FHIR/R4/Patient/{LONG_ID}')
    body.update(json.loads(text))


def category_as_object(body: dict[str, Any]) -> None:
    for entry in (*drafts(body), *body["prefetch"]["medicationRequests"]["entry"]):
        entry["resource"]["category"] = {"coding": [{"code": "outpatient"}]}


def authorized(body: dict[str, Any]) -> None:
    body["fhirServer"] = "https://ehr.example.org/api/FHIR/R4"
    body["fhirAuthorization"] = {
        "access_token": "opaque", "token_type": "Bearer", "expires_in": 300,
        "scope": "PATIENT.READ MEDICATIONREQUEST.SEARCH", "subject": "client-1",
    }  # fmt: skip


def beside(key: str, odd_key: str) -> Change:
    """The list under a key that a site typed in, beside the one it is asked for."""
    return lambda body: body["prefetch"].update({odd_key: body["prefetch"][key]})


AS_EHRS_DO: dict[str, Change] = {
    "Medications as extra entries": medication_beside,
    "absolute references and ids of 140 characters": absolute_and_long,
    "category as an object": category_as_object,
    "a version-1 hookInstance": lambda body: body.update(hookInstance="0F1E2D3C-4B5A-11F0-8977-123456789ABC"),
    "a PractitionerRole": lambda body: body["context"].update(userId="PractitionerRole/A.b_c-1"),
    "a token and free-form scopes": authorized,
    "a hyphen-led key": beside("medicationRequests", "-Item7"),
    "an unknown key with a page": list_is("site-key", "<html></html>"),
    "draftOrders without type": lambda body: body["context"]["draftOrders"].pop("type", None),
    "an extension of the request": lambda body: body.update(extension={"com.epic.cdshooks.request.bpa-trigger": {}}),
    "no encounterId": lambda body: body["context"].pop("encounterId", None),
    "a device order beside": lambda body: drafts(body).append({"resource": {"resourceType": "DeviceRequest"}}),
}


@pytest.mark.parametrize("name", [NALTREXONE, CHOOSING])
@pytest.mark.parametrize("way", AS_EHRS_DO)
def test_a_critical_card_comes_however_the_orders_are_sent(client: FlaskClient, name: str, way: str) -> None:
    answered = send(client, name, AS_EHRS_DO[way])
    assert (answered.status_code, told(answered)[:1]) == (200, [("naltrexone-with-opioids", "critical")])


def test_an_order_set_without_orders_has_no_card(client: FlaskClient) -> None:
    answered = send(client, NALTREXONE, lambda body: body["context"]["draftOrders"].update(entry=[]))
    assert (answered.status_code, "naltrexone-with-opioids" in dict(told(answered))) == (200, False)


UNREADABLE_ORDERS: dict[str, Change] = {
    "an entry without a resource": lambda body: body["context"]["draftOrders"].update(entry=[{}]),
    "a resource without a type": lambda body: drafts(body)[0]["resource"].pop("resourceType"),
    "a drug reference that leads nowhere": lambda body: drafts(body)[0]["resource"].update(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/gone"}
    ),
    "an order of another person": lambda body: drafts(body)[0]["resource"].update(subject={"reference": "Patient/x"}),
    "an order of nobody": lambda body: drafts(body)[0]["resource"].pop("subject"),
}


@pytest.mark.parametrize("way", UNREADABLE_ORDERS)
def test_an_order_that_cannot_be_read_is_never_silence_at_signing(client: FlaskClient, way: str) -> None:
    answered = send(client, NALTREXONE, UNREADABLE_ORDERS[way])
    assert (answered.status_code, told(answered)[:1]) == (200, [("naltrexone-with-opioids", "warning")])


# --- a list that was not read, or holds nothing -----------------------------------------------------------------------

NOTHING: dict[str, Any] = {
    "null": None,
    "an empty Bundle": bundle(total=0),
    "a Bundle without entry": {"resourceType": "Bundle"},
    "the no-results warning": bundle({"resource": outcome("warning", detail="4101"), "search": {"mode": "outcome"}}),
    "a note on what may not be there": bundle({"resource": outcome("warning", detail="4119")}),
}
NOT_READ: dict[str, Any] = {
    "an HTML page": "<html>no access</html>",
    "blank text": "",
    "a number": 7,
    "true": True,
    "an object": {},
    "an OperationOutcome": outcome("error"),
    "an OperationOutcome among the entries": bundle({"resource": outcome("fatal", detail="4101")}),
    "an OperationOutcome without issues": {"resourceType": "OperationOutcome"},
    "a page of several": bundle(link=[{"relation": "next", "url": "https://ehr.example.org/next"}]),
    "a total without rows": {"resourceType": "Bundle", "total": 5},
    "another resource type": {"resourceType": "Binary", "data": ""},
    "a type in the wrong case": {"resourceType": "bundle", "entry": []},
    "entries without a Bundle": {"entry": []},
    "an answer to a batch that failed": {"resourceType": "Bundle", "entry": [{"response": {"status": "403"}}]},
    "rows of another person": bundle(
        {"resource": {"resourceType": "MedicationRequest", "id": "1", "subject": {"reference": "Patient/SENTINEL"}}}
    ),
}
ROWS_UNREADABLE: dict[str, Any] = {
    "an entry without a resource": bundle({}),
    "a null entry": bundle(None),
    "a number as entry": bundle(7),
    "a null resource": bundle({"resource": None}),
    "an empty resource": bundle({"resource": {}}),
    "a page as resource": bundle({"resource": "<html></html>"}),
    "an array of null": [None],
}


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_on_record_is_no(client: FlaskClient, what: str) -> None:
    answered = send(client, OPIOID_FREE, list_is("medicationRequests", NOTHING[what]))
    assert (answered.status_code, told(answered), unread(answered)) == (200, [], {})


@pytest.mark.parametrize("what", [*NOT_READ, "nothing sent"])
def test_a_medication_list_that_was_not_read_is_said_at_signing(client: FlaskClient, what: str) -> None:
    change = list_is("medicationRequests", NOT_READ.get(what))
    if what == "nothing sent":
        change = lambda body: body["prefetch"].pop("medicationRequests")  # noqa: E731
    answered = send(client, OPIOID_FREE, change)
    assert (answered.status_code, told(answered)[:1]) == (200, [("naltrexone-with-opioids", "warning")])
    assert list(unread(answered)) == ["medicationRequests"]
    assert "SENTINEL" not in answered.text


@pytest.mark.parametrize("what", ROWS_UNREADABLE)
def test_rows_that_cannot_be_read_are_never_none_on_record(client: FlaskClient, what: str) -> None:
    answered = send(client, OPIOID_FREE, list_is("medicationRequests", ROWS_UNREADABLE[what]))
    assert (answered.status_code, told(answered)[:1]) == (200, [("naltrexone-with-opioids", "warning")])


@pytest.mark.parametrize("what", [*NOT_READ, *ROWS_UNREADABLE])
@pytest.mark.parametrize("key", ["conditions", "medicationRequests", "procedures"])
def test_nobody_is_told_to_consider_treatment_because_a_list_failed(client: FlaskClient, key: str, what: str) -> None:
    answered = send(client, "patient-view/on-buprenorphine-film", list_is(key, (NOT_READ | ROWS_UNREADABLE)[what]))
    if answered.status_code == 200:
        assert answered.json is not None
        summaries = [each["summary"] for each in answered.json["cards"]]
        assert not [each for each in summaries if "no medication treatment was found" in each]
    else:
        assert (answered.status_code, f"prefetch.{key}" in told(answered)) == (412, True)


@pytest.mark.parametrize("name", AT_EACH_HOOK)
@pytest.mark.parametrize("prefetch", [None, {}], ids=["absent", "empty"])
def test_a_call_without_prefetch_names_every_key_of_discovery(
    client: FlaskClient, name: str, prefetch: dict[str, Any] | None
) -> None:
    def change(body: dict[str, Any]) -> None:
        body.pop("fhirServer", None)
        body.pop("prefetch")
        body.update({} if prefetch is None else {"prefetch": prefetch})

    discovery = client.get("/cds-services").json
    assert discovery is not None
    (asked_for,) = [each["prefetch"] for each in discovery["services"] if each["hook"] == find(name).hook]
    answered = send(client, name, change)
    assert (answered.status_code, told(answered)) == (412, [f"prefetch.{key}" for key in asked_for])


@pytest.mark.parametrize("name", AT_EACH_HOOK)
def test_another_patient_than_the_context_names_is_412(client: FlaskClient, name: str) -> None:
    answered = send(client, name, lambda body: body["context"].update(patientId="SENTINEL-2"))
    assert (answered.status_code, told(answered)) == (412, ["prefetch.patient"])
    assert "SENTINEL" not in answered.text


# --- bytes that are no call -------------------------------------------------------------------------------------------

LONG = json.dumps(body_of(UNTREATED)).encode()
BROKEN = {
    "a form": b"hook=patient-view",
    "gzip": gzip.compress(LONG),
    "UTF-16": LONG.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + LONG,
    "a lone surrogate": LONG[:-1] + b', "x": "\\ud800"}',
    "a lone surrogate as key": LONG[:-1] + b', "\\udc00": 1}',
    "bytes of a surrogate": LONG[:-1] + b', "x": "\xed\xa0\x80"}',
    "an overlong form": LONG[:-1] + b', "x": "\xc0\xaf"}',
    "a raw control character": LONG[:-1] + b', "x": "\x01"}',
    "a deep duplicate": LONG[:-1] + b', "x": {"y": [{"a": 1, "a": 2}]}}',
    "an escaped duplicate": LONG[:-1] + b', "x": {"a": 1, "\\u0061": 2}}',
    "NaN": LONG[:-1] + b', "x": [NaN]}',
    "1e400": LONG[:-1] + b', "x": [1e400]}',
    "text behind": LONG + b"\x00",
    "deep nesting": LONG[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("what", BROKEN)
def test_bytes_that_are_no_call_are_400(client: FlaskClient, what: str) -> None:
    answered = client.post("/cds-services/oud-patient-view", data=BROKEN[what], content_type="application/json")
    assert (answered.status_code, told(answered)) == (400, [""])


# --- what every answer keeps to ---------------------------------------------------------------------------------------


def empties(value: Any, path: str = "") -> list[str]:
    """Where a value holds null, "", [] or {}."""
    if value is None or value in ("", [], {}):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, each in inner for found in empties(each, f"{path}/{name}")]


def card_faults(card: dict[str, Any]) -> list[str]:
    suggestions = card.get("suggestions", [])
    ids = [card["uuid"], *(each["uuid"] for each in suggestions)]
    found = [
        ("summary", len(card["summary"]) < 140),
        ("selectionBehavior", ("selectionBehavior" in card) == bool(suggestions)),
        ("isRecommended", all(isinstance(each["isRecommended"], bool) for each in suggestions)),
        ("ids", len(set(ids)) == len(ids) and all(uuid.UUID(each) for each in ids)),
        ("overrideReasons", all(each.keys() == {"code", "system", "display"} for each in card["overrideReasons"])),
        ("topic", card["source"]["topic"]["code"].isalnum() and len(card["source"]["topic"]["code"]) <= 100),
        ("actions", all(len(each["actions"]) == 1 for each in suggestions)),
    ]
    return [name for name, holds in found if not holds]


@pytest.mark.parametrize("name", names())
def test_an_answer_holds_nothing_empty_and_its_cards_keep_to_the_protocol(client: FlaskClient, name: str) -> None:
    body = send(client, name).json
    assert body is not None
    assert [each for each in empties(body) if each != "/cards"] == []
    assert [card_faults(each) for each in body.get("cards", []) if card_faults(each)] == []


@pytest.mark.parametrize("name", names())
def test_drafts_are_valid_fhir(client: FlaskClient, name: str) -> None:
    body = send(client, name).json
    assert body is not None
    for card in body.get("cards", []):
        for suggestion in card.get("suggestions", []):
            for action in suggestion["actions"]:
                if action["type"] == "create":
                    resource = action["resource"]
                    get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_ids_are_those_of_the_call_and_of_no_other(client: FlaskClient) -> None:
    other = lambda body: body.update(hookInstance="0f1e2d3c-4b5a-11f0-8977-123456789abc")  # noqa: E731
    first, again, another = (send(client, UNTREATED, change).json for change in (None, None, other))
    assert first == again

    def ids(body: Any) -> set[str]:
        return {one["uuid"] for card in body["cards"] for one in (card, *card.get("suggestions", []))}

    assert ids(first).isdisjoint(ids(another))


def test_no_log_line_tells_of_a_call(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    def marked(body: dict[str, Any]) -> None:
        text = json.dumps(body).replace(body["context"]["patientId"], "SENTINEL-1")
        body.update(json.loads(text))
        body["prefetch"]["patient"]["name"] = [{"text": "SENTINEL"}]

    with caplog.at_level(logging.DEBUG):
        for name in AT_EACH_HOOK:
            assert send(client, name, marked).status_code == 200
            send(client, name, lambda body: (marked(body), body["context"].update(patientId="SENTINEL-3")))
            send(client, name, lambda body: (marked(body), body.update(prefetch=None)))
    assert "SENTINEL" not in caplog.text
