"""Browser clients of listed origins, and the headers that every answer carries."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.config import Settings
from cds_service.core.problem import Issue, RequestProblem
from cds_service.edges.cors import allow_origins
from cds_service.wiring import build_app
from tests.http.small_release import app_of, call

LISTED = ("https://app.example.org", "http://127.0.0.1:3000", "http://[::1]:3000")
ASKED_FOR = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
CALL = "/cds-services/oud-patient-view"


def client_with(*origins: str) -> FlaskClient:
    app = app_of()
    allow_origins(app, origins)
    return app.test_client()


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client_with(*LISTED)


def cors(answered: TestResponse) -> dict[str, str]:
    """The headers that speak to a browser, by the end of their name."""
    start = "Access-Control-"
    return {name.removeprefix(start): value for name, value in answered.headers if name.startswith(start)}


@pytest.mark.parametrize("origin", LISTED)
@pytest.mark.parametrize("path", ["/cds-services", CALL, f"{CALL}/feedback"])
def test_a_preflight_of_a_listed_origin_says_what_is_allowed(browser: FlaskClient, origin: str, path: str) -> None:
    answered = browser.options(path, headers={**ASKED_FOR, "Origin": origin})
    told = cors(answered)
    assert (told["Allow-Origin"], told["Allow-Methods"], told["Max-Age"]) == (origin, "GET, OPTIONS, POST", "600")
    assert told["Allow-Headers"] == "authorization, content-type"
    assert "Allow-Credentials" not in told
    assert "Origin" in answered.vary


def test_a_preflight_allows_no_other_header_or_method(browser: FlaskClient) -> None:
    headers = {"Origin": LISTED[0], "Access-Control-Request-Method": "POST"}
    answered = browser.options(CALL, headers={**headers, "Access-Control-Request-Headers": "content-type, x-other"})
    assert cors(answered)["Allow-Headers"] == "content-type"
    answered = browser.options(CALL, headers={**headers, "Access-Control-Request-Method": "DELETE"})
    assert "Allow-Methods" not in cors(answered)


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        ("https://other.example.org", "not listed"),
        ("null", "any sandboxed page is null"),
        ("https://app.example.org.evil.example", "longer at its end"),
        ("https://evil.example/https://app.example.org", "longer at its beginning"),
        ("https://app-example.org", "a dot is no pattern"),
        ("http://app.example.org", "another scheme"),
        ("https://app.example.org:8443", "another port"),
        ("http://::3000", "brackets are no pattern"),
        ("https://app.example.org\t", "a blank behind it"),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
def test_an_origin_that_is_not_listed_gets_nothing(browser: FlaskClient, method: str, origin: str, why: str) -> None:
    answered = browser.open(CALL, method=method, json=call(), headers={**ASKED_FOR, "Origin": origin})
    assert cors(answered) == {}, why
    assert "Origin" in answered.vary


def test_without_an_origin_the_answer_still_varies_by_it(browser: FlaskClient) -> None:
    answered = browser.get("/cds-services")
    assert (cors(answered), "Origin" in answered.vary) == ({}, True)


@pytest.mark.parametrize("origin", LISTED)
def test_cors_is_off_unless_origins_are_listed(origin: str) -> None:
    answered = client_with().options(CALL, headers={**ASKED_FOR, "Origin": origin})
    assert (cors(answered), "Origin" in answered.vary) == ({}, False)


@pytest.mark.parametrize("path", ["/rules", "/rules/adult-note", "/healthz", "/readyz", "/cds-services-other"])
def test_only_the_cds_hooks_routes_are_for_other_origins(browser: FlaskClient, path: str) -> None:
    assert cors(browser.get(path, headers={"Origin": LISTED[0]})) == {}


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        (CALL, {"json": call()}, 200),
        (CALL, {"data": b"{", "content_type": "application/json"}, 400),
        (CALL, {"data": b"{}", "content_type": "text/plain"}, 415),
        (CALL, {"data": b" " * 1_000_001, "content_type": "application/json"}, 413),
        (CALL, {"json": {**call(), "prefetch": {}}}, 412),
        ("/cds-services/other", {"json": call()}, 404),
        ("/cds-services", {"json": call()}, 405),
    ],
)
def test_a_page_can_read_every_answer(browser: FlaskClient, path: str, options: dict, status: int) -> None:
    answered = browser.post(path, headers={"Origin": LISTED[1]}, **options)
    assert answered.status_code == status
    assert cors(answered)["Allow-Origin"] == LISTED[1]


def test_a_page_can_read_that_its_token_was_refused_and_a_preflight_needs_none() -> None:
    def identify(authorization: str | None, path: str) -> None:
        raise RequestProblem(401, Issue("login", "", "no"), headers={"WWW-Authenticate": "Bearer"})

    app = app_of(identify=identify)
    allow_origins(app, LISTED)
    browser = app.test_client()
    headers = {"Origin": LISTED[0]}
    refused = browser.post(CALL, json=call(), headers=headers)
    assert (refused.status_code, cors(refused)["Allow-Origin"]) == (401, LISTED[0])
    assert cors(refused)["Expose-Headers"] == "Retry-After, WWW-Authenticate"
    asked = browser.options(CALL, headers={**headers, **ASKED_FOR})
    assert (asked.status_code, cors(asked)["Allow-Origin"]) == (200, LISTED[0])


def test_a_page_can_read_that_the_service_failed() -> None:
    def identify(authorization: str | None, path: str) -> None:
        raise RuntimeError

    app = app_of(identify=identify)
    allow_origins(app, LISTED)
    answered = app.test_client().post(CALL, json=call(), headers={"Origin": LISTED[0]})
    assert (answered.status_code, cors(answered)["Allow-Origin"]) == (500, LISTED[0])


def test_origins_come_from_the_settings() -> None:
    rules = Path(__file__).parents[2] / "rules"
    browser = build_app(Settings(auth="off", rules=rules, cors_origins=LISTED)).test_client()
    assert cors(browser.get("/cds-services", headers={"Origin": LISTED[2]}))["Allow-Origin"] == LISTED[2]


# --- headers of every answer ----------------------------------------------------------------------------------------

EVERY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cds-services"),
        ("POST", CALL),
        ("POST", "/cds-services/other"),
        ("GET", CALL),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/rules/none"),
        ("OPTIONS", CALL),
        ("HEAD", "/cds-services"),
    ],
)
def test_an_answer_is_not_kept_framed_or_sniffed(client: FlaskClient, method: str, path: str) -> None:
    headers = client.open(path, method=method, json=call() if method == "POST" else None).headers
    assert {name: headers[name] for name in EVERY} == EVERY
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_rule_may_be_kept_but_not_framed(client: FlaskClient) -> None:
    headers = client.get("/rules").headers
    assert {name: headers[name] for name in EVERY} == EVERY
    assert "Cache-Control" not in headers


@pytest.mark.parametrize("path", ["/cds-services", "/healthz", "/rules"])
def test_head_says_what_get_says_without_a_body(client: FlaskClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.data, head.headers) == (200, b"", get.headers)


def test_head_of_a_service_is_405_without_a_body(client: FlaskClient) -> None:
    answered = client.head(CALL)
    assert (answered.status_code, answered.data, "POST" in answered.headers["Allow"]) == (405, b"", True)


def test_options_needs_no_body_and_changes_nothing(client: FlaskClient) -> None:
    answered = client.options(CALL, data=json.dumps({"hook": 1}), content_type="application/json")
    assert (answered.status_code, answered.data) == (200, b"")
