"""With auth required: discovery and calls want a token, the rest does not, and nothing of a token is told or logged."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.clients.client import Rate
from cds_service.config import SettingProblem, Settings
from cds_service.edges.auth import WANTED
from cds_service.edges.web import Seen
from cds_service.wiring import open_service
from tests.http.small_release import app_of, call
from tests.unit.tokens import EC_KEY, EHR, NOW, OTHER_EC_KEY, PATH, URL, Gate, claims, jwk, token

ROOT = Path(__file__).parents[2]
DISCOVERY = "/cds-services"


def bearer(path: str, **changes: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(said=claims(aud=URL + path, **changes))}"}


def client_with(gate: Gate, seen: list[Seen] | None = None) -> FlaskClient:
    told = [] if seen is None else seen
    return app_of(identify=gate.identify, seen=told.append).test_client()


def test_discovery_and_a_call_are_answered_to_a_client() -> None:
    seen: list[Seen] = []
    client = client_with(Gate(), seen)
    assert client.get(DISCOVERY, headers=bearer(DISCOVERY, jti="1")).status_code == 200
    answered = client.post(PATH, json=call(), headers=bearer(PATH, jti="2"))
    assert answered.status_code == 200
    assert [each["summary"] for each in answered.get_json()["cards"]] == ["An example card"]
    assert [(each.client, each.status, each.refused) for each in seen] == [("ehr", 200, ""), ("ehr", 200, "")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", DISCOVERY), ("POST", PATH), ("POST", f"{PATH}/feedback"), ("POST", "/cds-services/no-such")],
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer abc"}])
def test_without_a_token_nothing_is_answered_not_even_what_there_is(
    faults_of: Callable[[Any, str], list[str]], method: str, path: str, headers: dict[str, str]
) -> None:
    seen: list[Seen] = []
    answered = client_with(Gate(), seen).open(path, method=method, headers=headers, data=b"not even JSON")
    assert answered.status_code == 401
    assert answered.headers["WWW-Authenticate"] == "Bearer"
    assert answered.headers["Cache-Control"] == "no-store"
    body = answered.get_json()
    assert body["issue"] == [
        {
            "severity": "error",
            "code": "login",
            "details": {"text": f"Authorization: {WANTED}"},
            "expression": ["Authorization"],
        }
    ]
    assert faults_of(body, "OperationOutcome") == []
    assert [(each.client, each.status, each.refused) for each in seen] == [("", 401, "login")]


def test_every_fault_of_a_token_has_the_same_answer() -> None:
    client = client_with(Gate())
    wrong = [
        token(key=OTHER_EC_KEY),
        token(said=claims(exp=NOW - 60, iat=NOW - 90)),
        token(said=claims(aud=URL)),
        token(said=claims(iss="https://nobody.example.org")),
        "a.b.c",
    ]
    answers = [client.post(PATH, json=call(), headers={"Authorization": f"Bearer {each}"}) for each in wrong]
    assert {each.status_code for each in answers} == {401}
    assert len({each.data for each in answers}) == 1
    assert len({tuple(sorted(each.headers.items())) for each in answers}) == 1


def test_feedback_is_the_clients_whose_token_names_its_url() -> None:
    kept: list[tuple[str, str]] = []
    gate = Gate()
    ports = {
        "identify": gate.identify,
        "keep_feedback": lambda service, client, items: kept.append((service, client.name)),
    }
    client = app_of(**ports).test_client()
    item = {"card": "card-1", "outcome": "overridden", "outcomeTimestamp": "2026-03-01T10:00:00Z"}
    url = f"{PATH}/feedback"
    assert client.post(url, json={"feedback": [item]}, headers=bearer(PATH, jti="1")).status_code == 401
    assert client.post(url, json={"feedback": [item]}, headers=bearer(url, jti="2")).status_code == 200
    assert kept == [("oud-patient-view", "ehr")]


def test_a_token_for_discovery_opens_no_call_and_the_reverse() -> None:
    client = client_with(Gate())
    assert client.post(PATH, json=call(), headers=bearer(DISCOVERY)).status_code == 401
    assert client.get(DISCOVERY, headers=bearer(PATH)).status_code == 401


def test_only_the_public_url_counts_whatever_host_a_caller_names() -> None:
    client = client_with(Gate())
    said = claims(aud=f"https://evil.example.org{PATH}")
    forged = {
        "Authorization": f"Bearer {token(said=said)}",
        "Host": "evil.example.org",
        "X-Forwarded-Host": "evil.example.org",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example.org;proto=https",
    }
    assert client.post(PATH, json=call(), headers=forged).status_code == 401
    good = {**forged, **bearer(PATH)}
    assert client.post(PATH, json=call(), headers=good).status_code == 200


def test_a_replay_is_refused_and_a_body_is_not_read_before_the_token() -> None:
    client = client_with(Gate())
    headers = bearer(PATH)
    assert client.post(PATH, json=call(), headers=headers).status_code == 200
    assert client.post(PATH, json=call(), headers=headers).status_code == 401
    assert client.post(PATH, data=b"{", headers={"Content-Type": "text/plain"}).status_code == 401
    assert client.post(PATH, data=b"{", content_type="text/plain", headers=bearer(PATH, jti="2")).status_code == 415


def test_a_tenant_that_may_not_call_and_a_client_that_calls_too_often(
    faults_of: Callable[[Any, str], list[str]],
) -> None:
    client = client_with(Gate(replace(EHR, tenants=("north",), rate=Rate(0.5, 1))))
    forbidden = client.get(DISCOVERY, headers=bearer(DISCOVERY, jti="1", tenant="south"))
    assert (forbidden.status_code, forbidden.get_json()["issue"][0]["code"]) == (403, "forbidden")
    often = client.get(DISCOVERY, headers=bearer(DISCOVERY, jti="2", tenant="north"))
    assert (often.status_code, often.headers["Retry-After"]) == (429, "2")
    assert faults_of(forbidden.get_json(), "OperationOutcome") == faults_of(often.get_json(), "OperationOutcome") == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/rules"])
def test_what_holds_no_patient_data_needs_no_token(path: str) -> None:
    assert client_with(Gate()).get(path).status_code == 200


# --- as it is put together --------------------------------------------------------------------------------------

SETTINGS = Settings(auth="required", rules=ROOT / "rules", public_url=URL)


def known(tmp_path: Path, audience: str = "") -> Path:
    """A clients file with one client, known by a key file beside it."""
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [jwk(EC_KEY, "ec-1")]}), encoding="utf-8")
    path = tmp_path / "clients.yaml"
    more = f"\n    audience: {audience}" if audience else ""
    text = f"clients:\n  ehr:\n    issuers: [{', '.join(EHR.issuers)}]\n    keys: keys.json{more}\n"
    path.write_text(text, encoding="utf-8")
    return path


def now_bearer(path: str, **changes: Any) -> dict[str, str]:
    now = int(time.time())
    return bearer(path, iat=now, exp=now + 300, **changes)


def test_the_service_checks_tokens_by_a_key_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened = open_service(replace(SETTINGS, clients=known(tmp_path)))
    client = opened.app.test_client()
    headers = now_bearer(DISCOVERY, jti="improbable-token-id")
    with caplog.at_level(logging.DEBUG):
        assert client.get(DISCOVERY, headers=headers).status_code == 200
        assert client.get(DISCOVERY, headers=headers).status_code == 401
        assert client.get(DISCOVERY).status_code == 401
    opened.close()
    told = [(each.__dict__["reason"], each.__dict__["client"]) for each in caplog.records if each.message == "token"]
    assert told == [("replay", "ehr"), ("token-missing", "")]  # "replay-unchecked" is only counted
    token_text = headers["Authorization"].split()[1]
    assert not [
        each
        for each in ("improbable-token-id", *token_text.split("."))
        if each in str([one.__dict__ for one in caplog.records])
    ]


def test_without_a_public_url_every_client_needs_an_audience(tmp_path: Path) -> None:
    settings = replace(SETTINGS, public_url="")
    with pytest.raises(SettingProblem, match=r"CDS_PUBLIC_URL: is needed.* ehr without `audience`"):
        open_service(replace(settings, clients=known(tmp_path)))
    settings = replace(settings, clients=known(tmp_path, "https://alias.example.org"))
    client = open_service(settings).app.test_client()
    now = int(time.time())
    text = token(said=claims(aud="https://alias.example.org", iat=now, exp=now + 60))
    assert client.get(DISCOVERY, headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_without_auth_a_token_is_not_looked_at(tmp_path: Path) -> None:
    client = open_service(replace(SETTINGS, auth="off", clients=known(tmp_path))).app.test_client()
    assert client.get(DISCOVERY, headers={"Authorization": "Bearer nonsense"}).status_code == 200
