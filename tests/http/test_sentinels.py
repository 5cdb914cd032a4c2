"""Nothing of a request is written anywhere: every fixture, planted with a word, through the real server at level debug.

All that the server's processes wrote is searched: standard output and error, every file of the folders they had, what
`/metrics` said, and the traces they sent to a collector.
"""

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.edges.tracing import ENDPOINT
from cds_service.fixtures import Fixture, find, names
from cds_service.services import SERVICES
from tests.http.collector import Collected, collecting
from tests.http.log_lines import undocumented
from tests.http.sentinels import SENTINEL, broken, overwritten, planted
from tests.http.test_server import NO_HTTP, Running, refused, start, stop

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 1)
HEADERS = {
    "Content-Type": "application/json",
    "Authorization": f"Bearer {SENTINEL}.{SENTINEL}.{SENTINEL}",
    "Cookie": f"session={SENTINEL}",
    "X-Request-Id": SENTINEL,
    "User-Agent": SENTINEL,
    "Referer": f"https://{SENTINEL}.example/{SENTINEL}",
    "Origin": f"https://{SENTINEL}.example",
    "traceparent": SENTINEL,
}
NO_CALLS = 6  # posts of feedback, to two paths that are none, and to /metrics
EVERY_WAY = 20  # one in so many fixtures is broken in every way, the others in a few
# What a record of feedback holds, the card's id and the code of a reason, is not among what is planted.
FEEDBACK = {
    "card": "0f1e2d3c-4b5a-41f0-8977-123456789abc",
    "outcome": "overridden",
    "overrideReasons": [
        {
            "reason": {"code": "example", "system": "https://oud-cds.example/reasons", "display": SENTINEL},
            "userComment": f"{SENTINEL} said so",
        },
        {"reason": {"code": "example", "system": f"words about {SENTINEL}"}},
    ],
    "outcomeTimestamp": "2026-03-01T10:00:00Z",
    SENTINEL: {"reference": f"Patient/{SENTINEL}"},
}
SERVICE_OF = {each.hook: each.id for each in SERVICES.values()}


@dataclass
class Told:
    """What was sent, how it was answered, and all that was written meanwhile and is left afterwards."""

    calls: int = 0
    unlike: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    metrics: str = ""
    shared: bytes = b""
    folders: list[Path] = field(default_factory=list)
    errors: str = ""
    written: dict[str, bytes] = field(default_factory=dict)


def send_all(url: str, told: Told) -> None:
    session = requests.Session()

    def post(path: str, body: bytes, **headers: str) -> requests.Response:
        answered = session.post(f"{url}{path}", data=body, headers=HEADERS | headers, timeout=10)
        told.calls += 1
        told.statuses[answered.status_code] += 1
        return answered

    for number, name in enumerate(names()):
        fixture = find(name)
        path = f"/cds-services/{SERVICE_OF.get(fixture.hook, 'oud-patient-view')}"
        body = fixture.on(TODAY)
        if not well_formed(body):
            post(f"{path}?name={SENTINEL}", json.dumps(overwritten(body)).encode())
            continue
        full = planted(body)
        answered = post(f"{path}?name={SENTINEL}", json.dumps(full).encode())
        if as_expected(fixture) != (answered.status_code, len(answered.json().get("cards", ()))):
            told.unlike.append(name)
        post(path, json.dumps(overwritten(body)).encode())
        start, step = (0, 1) if number % EVERY_WAY == 0 else (number % EVERY_WAY, EVERY_WAY)
        for each in islice(broken(full), start, None, step):
            post(path, each if isinstance(each, bytes) else json.dumps(each).encode())
    last = json.dumps(full).encode()
    post(path, last, **{"Content-Type": f"text/{SENTINEL}"})
    post(path, last, **{"Content-Encoding": SENTINEL})
    post(f"/cds-services/{SENTINEL}", last)
    post(f"/cds-services/oud-patient-view/{SENTINEL}", last)
    post("/cds-services/oud-patient-view/feedback", last)
    for each in (FEEDBACK, {**FEEDBACK, "outcome": SENTINEL}):
        post("/cds-services/oud-patient-view/feedback", json.dumps({"feedback": [each], SENTINEL: SENTINEL}).encode())
    post(f"/{SENTINEL}?{SENTINEL}", last)
    post("/metrics", last)
    for each in (f"/rules/{SENTINEL}", f"/rules/{SENTINEL}/{SENTINEL}", f"/metrics?{SENTINEL}", f"/healthz/{SENTINEL}"):
        session.get(f"{url}{each}", headers=HEADERS, timeout=10)
    told.metrics = session.get(f"{url}/metrics", timeout=10).text
    session.close()


def well_formed(body: dict[str, Any]) -> bool:
    return {"hook", "hookInstance", "context", "prefetch"} <= body.keys() and isinstance(body["prefetch"], dict)


def as_expected(fixture: Fixture) -> tuple[int, int]:
    assert fixture.expected is not None
    return fixture.expected["status"], len(fixture.expected.get("cards", ()))


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.fixture(scope="module")
def traces() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, traces: Collected) -> Told:
    folder = tmp_path_factory.mktemp("sentinels")
    (folder / "tmp").mkdir()
    settings = {
        "CDS_AUTH": "off",
        "CDS_PORT": "0",
        "CDS_RULES": str(ROOT / "rules"),
        "CDS_WORKERS": "2",
        "CDS_TODAY": TODAY.isoformat(),
        "CDS_LOG_LEVEL": "debug",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder / "tmp"),
        ENDPOINT: traces.url,
        "OTEL_BSP_SCHEDULE_DELAY": "60000",  # so that most spans are still there when a worker ends
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "OTEL_"))}
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service", "serve"],
            cwd=folder,
            env=others | settings,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    told = Told()
    try:
        said = [process.stdout.readline() for _ in range(2)]
        assert said[1].startswith("serving http://127.0.0.1:"), (folder / "stderr").read_text()
        url = said[1].split()[1]
        send_all(url, told)
        running = Running(process, int(url.rpartition(":")[2]))
        for request, _ in NO_HTTP.values():
            refused(running, request.replace(b"SENTINEL", SENTINEL.encode()))
        with running.connect() as connection:  # one that leaves in the middle
            connection.sendall(
                f"POST /{SENTINEL} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{SENTINEL[:5]}".encode()
            )
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
        told.folders = [each for each in (folder / "tmp").iterdir() if each.name.startswith("cds-service-metrics-")]
        told.shared = b"".join(each.read_bytes() for each in (folder / "tmp").rglob("*.db"))
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=20)
    told.errors = (folder / "stderr").read_text(encoding="utf-8")
    told.written = {"stdout": ("".join(said) + rest).encode(), **files_under(folder)}
    return told


def test_a_planted_fixture_is_answered_as_the_fixture_is(told: Told) -> None:
    assert told.unlike == []
    assert told.calls > 3 * 100


def test_each_way_of_refusing_was_taken(told: Told) -> None:
    assert {200, 400, 404, 405, 412, 415} <= told.statuses.keys()
    assert told.statuses[500] == 0


def test_nothing_of_a_request_was_written(told: Told, traces: Collected) -> None:
    written = told.written | {
        "metrics": told.metrics.encode(),
        "metrics folder": told.shared,
        "traces": b"".join(traces.bodies),
    }
    assert {"stdout", "stderr", "var/sample-request.json"} <= written.keys()
    assert [name for name, content in written.items() if SENTINEL.lower().encode() in content.lower()] == []


def test_every_line_of_the_log_is_an_event_with_its_fields(told: Told) -> None:
    lines = [json.loads(each) for each in told.errors.splitlines()]
    assert undocumented(lines) == []
    seen = Counter(each["event"] for each in lines)
    assert seen["call"] == told.calls + 6  # the pages that were read, and the body that was cut off
    assert seen["refused-before-read"] == len(NO_HTTP)


def test_the_log_holds_no_word_of_a_library(told: Told) -> None:
    assert [each for each in told.errors.splitlines() if json.loads(each)["event"] == "library"] == []


def test_the_counts_are_those_of_both_workers(told: Told) -> None:
    counted = sum(float(line.split()[-1]) for line in told.metrics.splitlines() if line.startswith("cds_calls_total{"))
    assert counted == told.calls - NO_CALLS


def test_each_call_was_sent_as_a_span_also_those_left_when_a_worker_ended(told: Told, traces: Collected) -> None:
    spans = traces.spans()
    assert len(spans) == told.calls - NO_CALLS
    keys = {each.key for span in spans for each in span.attributes}
    assert keys == {"cds.service", "cds.release", "cds.cards", "http.response.status_code"}


def test_the_folder_of_the_counts_was_one_and_is_gone(told: Told) -> None:
    assert len(told.folders) == 1
    assert told.shared.count(b"cds_calls_total") > 0
    assert not told.folders[0].exists()


# --- faults of ours -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The log of a server whose routes fail, and whose libraries talk, in every way there is."""
    folder = tmp_path_factory.mktemp("faults")
    running = start(folder)
    for how in ("raise", "thread", "warning", "library", "gunicorn", "unwritable"):
        answered = requests.post(f"{running.url}/fault/{how}", data=SENTINEL, headers=HEADERS, timeout=10)
        assert answered.status_code == (500 if how == "raise" else 200)
        assert SENTINEL not in answered.text
    stop(running)
    log = (folder / "log").read_text(encoding="utf-8")
    assert SENTINEL.lower() not in log.lower()
    return [json.loads(each) for each in log.splitlines()]


@pytest.mark.parametrize(
    ("event", "name", "value"),
    [
        ("incident", "error", "ValueError"),
        ("uncaught", "error", "ValueError"),
        ("python-warning", "category", "Quoting"),
        ("library", "logger", "urllib3.connectionpool"),
        ("library", "logger", "gunicorn.error"),
        ("test-event", "value", "Unwritable"),
    ],
)
def test_a_fault_is_told_without_its_text(faults: list[dict[str, Any]], event: str, name: str, value: str) -> None:
    assert value in [each[name] for each in faults if each["event"] == event]
