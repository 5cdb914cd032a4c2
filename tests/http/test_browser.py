"""A real browser with a page of another origin: discovery, a call and feedback by fetch(), with tokens it signs itself.

Needs Chromium (`apt-get install chromium`, or CHROMIUM naming it); without it the tests are skipped and say so.
"""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cds_service.fixtures import find
from tests.running import ISSUER, checking, private_key, serving

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PAGE = (Path(__file__).parent / "browser_page.html").read_bytes()
FEEDBACK_TIME = "2026-03-01T09:30:00Z"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium, or set CHROMIUM")


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def origin() -> Iterator[str]:
    """Serve the page on a port of its own and give its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # --no-sandbox: in a container Chromium runs as root, which its sandbox refuses.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def jwk() -> dict[str, Any]:
    return private_key("ES384")


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """An origin that is listed, and one that is not."""
    with origin() as listed, origin() as other:
        yield listed, other


@pytest.fixture(
    scope="module",
    params=[pytest.param("off", marks=pytest.mark.slow), pytest.param("required")],
)
def base(
    request: pytest.FixtureRequest,
    origins: tuple[str, str],
    jwk: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("browser")
    settings = checking(folder, jwk) if request.param == "required" else {"CDS_AUTH": "off"}
    with serving(folder, {**settings, "CDS_CORS_ORIGINS": origins[0]}) as url:
        yield url


@pytest.fixture
def base_checks(base: str, request: pytest.FixtureRequest) -> bool:
    """Whether the service asks who calls."""
    return bool(request.node.callspec.params["base"] == "required")


@pytest.fixture
def ask(browser: Browser, base: str, jwk: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Open the page at an origin and let it ask: origin, path, body, Authorization if it is not to be a good token."""
    opened: list[Page] = []

    def asked(at: str, path: str, body: Any = None, authorization: str | None = None) -> Any:
        if not opened or not opened[-1].url.startswith(at):
            opened.append(browser.new_page())
            opened[-1].goto(f"{at}/")
        client = json.dumps({"base": base, "jwk": jwk, "issuer": ISSUER})
        sent = ["undefined" if each is None else json.dumps(each) for each in (body, authorization)]
        return opened[-1].evaluate(f"ask({client}, {json.dumps(path)}, {', '.join(sent)})")

    yield asked
    for page in opened:
        page.close()


def test_a_page_of_another_origin_does_discovery_a_call_and_feedback(
    ask: Callable[..., Any], origins: tuple[str, str]
) -> None:
    listed, _ = origins
    discovery = ask(listed, "/cds-services")
    ids = [each["id"] for each in discovery["body"]["services"]]
    assert (discovery["status"], "oud-patient-view" in ids) == (200, True)
    called = ask(listed, "/cds-services/oud-patient-view", find("patient-view/untreated-oud-icd10").on(date.today()))
    assert (called["status"], len(called["body"]["cards"]) > 0) == (200, True)
    card = called["body"]["cards"][0]
    item = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": FEEDBACK_TIME}
    taken = {**item, "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}
    kept = ask(listed, "/cds-services/oud-patient-view/feedback", {"feedback": [taken]})
    assert (kept["status"], kept["body"]["issue"][0]["details"]["text"]) == (200, "1 item of feedback kept")


def test_a_page_can_read_why_it_was_refused(ask: Callable[..., Any], origins: tuple[str, str]) -> None:
    refused = ask(origins[0], "/cds-services/oud-patient-view", {"hook": 7})
    assert refused["status"] == 400
    assert refused["body"]["issue"][0]["expression"] == ["hook"]
    unknown = ask(origins[0], "/cds-services/none", {})
    assert (unknown["status"], unknown["body"]["resourceType"]) == (404, "OperationOutcome")


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/oud-patient-view"])
def test_a_page_of_an_origin_that_is_not_listed_reads_nothing(
    ask: Callable[..., Any], origins: tuple[str, str], path: str
) -> None:
    assert ask(origins[1], path, None if path == "/cds-services" else {}) == {"status": 0, "body": "TypeError"}


def test_a_page_cannot_read_what_is_not_for_pages(ask: Callable[..., Any], origins: tuple[str, str]) -> None:
    assert ask(origins[0], "/readyz") == {"status": 0, "body": "TypeError"}


def test_a_page_can_read_that_its_token_is_not_taken(
    ask: Callable[..., Any], origins: tuple[str, str], base_checks: bool
) -> None:
    for path, body in (("/cds-services", None), ("/cds-services/oud-patient-view", {})):
        refused = ask(origins[0], path, body, "Bearer no-token")
        wanted = 401 if base_checks else 200 if body is None else 400
        assert refused["status"] == wanted
