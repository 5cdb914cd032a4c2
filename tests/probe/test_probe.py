"""The probe finds nothing in the real server, and does find what is wrong with services that are."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.probe.__main__ import main, results
from tests.probe.judge import CHECKS, FAIL, NOT_APPLICABLE, PASS
from tests.probe.numbers import STRENGTH, WITHOUT_CHECK
from tests.probe.wire import Wire, signer
from tests.running import ISSUER, checking, private_key, serving


def failures(url: str, key: dict[str, Any] | None = None) -> dict[int, str]:
    wire = Wire(url, signer(key, "https://ehr.example.org", url) if key else None)
    return {each.number: each.said for each in results(wire) if each.verdict == FAIL}


def test_every_number_has_a_check_or_a_reason_for_none() -> None:
    assert CHECKS.keys() | WITHOUT_CHECK.keys() == STRENGTH.keys()
    assert not CHECKS.keys() & WITHOUT_CHECK.keys()


# Members that this service does not use, and what needs TLS: not to be seen here in any case.
UNUSED = {203, 211, 212, 215, 608, 801}
OF_TOKENS = {709, *(each for each in CHECKS if 801 < each < 900)}


def judged(said: str) -> tuple[list[str], set[int]]:
    """The lines that fail, and the numbers with a check that could not be seen."""
    lines = [line for line in said.splitlines() if line[0].isdigit() and ": " in line]
    unseen = {int(line.split()[0]) for line in lines if f" {NOT_APPLICABLE}: " in line}
    return [line for line in lines if f" {FAIL}: " in line], unseen & CHECKS.keys()


def test_the_service_keeps_to_the_checklist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clients = tmp_path / "clients.yaml"  # with SMART links on every card
    clients.write_text("clients:\n  anonymous:\n    smart_apps: {label: Plan, url: 'https://apps.example.org'}\n")
    with serving(tmp_path, {"CDS_AUTH": "off", "CDS_CLIENTS": str(clients)}) as url:
        code = main(["--url", url, "--strict"])
    said = capsys.readouterr().out
    assert judged(said) == ([], UNUSED | OF_TOKENS)
    assert (code, said.splitlines()[-1]) == (0, f"{len(STRENGTH)} numbers, 0 failures: none")


@pytest.mark.parametrize("algorithm", ["ES384", pytest.param("RS384", marks=pytest.mark.slow)])
def test_the_service_keeps_to_the_checklist_with_tokens(
    algorithm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = private_key(algorithm)
    (tmp_path / "private.json").write_text(json.dumps(key), encoding="utf-8")
    with serving(tmp_path, checking(tmp_path, key)) as url:
        code = main(["--url", url, "--key", str(tmp_path / "private.json"), "--iss", ISSUER, "--strict"])
    said = capsys.readouterr().out
    assert judged(said) == ([], UNUSED)
    assert f"808 {PASS}: SHOULD: {algorithm}: taken" in said
    assert code == 0


# --- services that are wrong ----------------------------------------------------------------------------------------

DISCOVERY = {
    "services": [
        {
            "hook": "patient-view",
            "id": "a",
            "title": "a",
            "description": "a",
            "prefetch": {
                "patient": "Patient/{{context.patientId}}",
                "conditions": "Condition?patient={{context.patientId}}",
            },
        }
    ]
}


@contextmanager
def service(answers: Any) -> Iterator[str]:
    """Serve whatever `answers(method, path, body)` gives: status, text."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            # A body that is only announced does not come; this server need not wait for it.
            body = self.rfile.read(length) if length < 1_000_000 else b""
            status, text = answers(self.command, self.path, body)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def yes_to_all(method: str, path: str, body: bytes) -> tuple[int, str]:
    return 200, json.dumps(DISCOVERY if path == "/cds-services" else {"cards": []})


def test_a_service_that_says_yes_to_all_is_found_out() -> None:
    with service(yes_to_all) as url:
        found = failures(url)
    wanted = {
        210,
        213,
        310,
        311,
        312,
        314,
        402,
        403,
        404,
        406,
        407,
        408,
        409,
        410,
        412,
        413,
        419,
        504,
        1001,
        1020,
        1104,
    }
    assert wanted <= found.keys()
    assert {701, 702, 703, 704, 705, 706, 707, 711} <= found.keys()
    assert not {101, 104, 201, 202, 204, 401, 501, 502} & found.keys()
    assert found[310] == "a: a key left out is answered as if nothing were on record"


def test_a_service_that_takes_any_token_is_found_out() -> None:
    key = private_key("ES384")
    with service(yes_to_all) as url:
        found = failures(url, key)
    assert {709, 803, 804, 805, 806, 807, 809, 810, 811, 812, 813} <= found.keys()
    assert found[806] == "alg none: 200, wanted 401"


CARD: dict[str, Any] = {
    "uuid": "0f1e2d3c-4b5a-51f0-8977-123456789abc", "summary": "a" * 140,
    "detail": "<b>a</b>", "indicator": "hard-stop",
    "source": {"label": "", "url": "a", "topic": {"code": "a"}}, "overrideReasons": [{"code": "a", "system": "b"}],
    "suggestions": [
        {"label": "", "isRecommended": 1, "uuid": "", "actions": [{"type": "remove", "description": ""}]},
        {"label": "a", "actions": [{"type": "create", "description": "a"}, {"type": "delete", "description": "a"}]},
    ],
    "links": [{"label": "", "url": "a", "type": "relative", "appContext": "a", "autolaunchable": True}],
    "extension": {"a": None},
}  # fmt: skip


def test_a_wrong_card_is_found_out() -> None:
    def bad_cards(method: str, path: str, body: bytes) -> tuple[int, str]:
        told = {"cards": [CARD, CARD], "systemActions": [], "extension": []}
        return 200, json.dumps(DISCOVERY if path == "/cds-services" else told)

    with service(bad_cards) as url:
        found = failures(url)
    cards = {
        601,
        602,
        603,
        604,
        605,
        606,
        607,
        611,
        612,
        620,
        621,
        622,
        624,
        630,
        631,
        632,
        633,
        640,
        641,
        642,
        643,
        650,
    }
    assert {104, 105, 106, 503, 508, 901, 902, *cards} <= found.keys()


def test_errors_that_are_no_outcome_are_found_out() -> None:
    def html(method: str, path: str, body: bytes) -> tuple[int, str]:
        return (200, json.dumps(DISCOVERY)) if path == "/cds-services" else (500, "<html>no</html>")

    with service(html) as url:
        found = failures(url)
    assert {101, 103, 401, 419, 501, 506} <= found.keys()


def test_a_service_without_discovery_is_one_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with service(lambda method, path, body: (404, "{}")) as url:
        code = main(["--url", url])
    assert code == 1
    assert capsys.readouterr().out.startswith("202 fail: MUST: GET /cds-services: 404, wanted 200")


def test_only_a_must_counts_unless_strict(capsys: pytest.CaptureFixture[str]) -> None:
    with service(yes_to_all) as url:
        main(["--url", url])
        lenient = capsys.readouterr().out.splitlines()[-1]
        main(["--url", url, "--strict"])
        strict = capsys.readouterr().out.splitlines()[-1]
    assert "311" not in lenient
    assert "311" in strict
    assert NOT_APPLICABLE not in strict


def test_the_probe_knows_nothing_of_the_service() -> None:
    here = Path(__file__).parent
    for path in here.glob("*.py"):
        if path.name != Path(__file__).name:
            assert "cds_service" not in path.read_text(encoding="utf-8"), path.name
