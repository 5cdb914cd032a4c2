"""Mutated requests are answered with cards or an OperationOutcome that repeats nothing: no 500 and no hang.

The long run is `make slow`; FUZZ_REQUESTS changes its length.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.__main__ import fault_of, in_process, over_http, run, templates
from tests.fuzz.mutate import SENTINEL, Request, request
from tests.running import ROOT, serving

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "200000"))
OVER_HTTP = 4_000
PROCESSES = 2
SLOWEST_MS = 3_000  # what a mutated request of some 10 kB may take at the very most, on a busy machine

OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "value", "details": {"text": "x"}}],
}
CARDS: dict[str, Any] = {"cards": [], "extension": {"org.oud-cds.evaluation": {"release": "1"}}}
FAILED: dict[str, Any] = {"failed": [{"ruleId": "r", "ruleVersion": "1.0.0"}]}


def test_some_mutated_requests() -> None:
    found = run(in_process(), REQUESTS, 300)  # none of those of the long run
    assert found["first_faults"] == []
    assert {"200", "400", "412"} <= set(found["statuses"])


def test_a_request_is_the_same_in_every_run() -> None:
    begin_with = templates()
    assert [request(begin_with, str(each)) for each in range(50)] == [
        request(begin_with, str(each)) for each in range(50)
    ]


@pytest.mark.parametrize(
    ("status", "told", "fault"),
    [
        (200, CARDS, ""),
        (400, OUTCOME, ""),
        (200, {"extension": {}}, "200 without cards"),
        (200, {**CARDS, "extension": {"org.oud-cds.evaluation": FAILED}}, "a rule raised: r"),
        (500, OUTCOME, "status 500"),
        (408, OUTCOME, "status 408"),
        (302, OUTCOME, "status 302"),
        (400, {"error": "no"}, "no OperationOutcome"),
        (400, {**OUTCOME, "issue": []}, "no OperationOutcome"),
        (400, {**OUTCOME, "text": SENTINEL}, "a value of the request is repeated"),
    ],
)
def test_a_wrong_answer_is_found(status: int, told: Any, fault: str) -> None:
    assert fault_of(Request("POST", "/", b""), status, json.dumps(told).encode()) == fault


def test_what_escapes_the_service_and_what_hangs_are_found() -> None:
    def escapes(sent: Request) -> tuple[int, bytes]:
        raise TimeoutError

    found = run(escapes, 0, 3)
    assert (found["faults"], found["statuses"]) == (3, {"0": 3})
    assert "TimeoutError instead of an answer" in found["first_faults"][0]


def fuzz(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = process.communicate()
    assert process.returncode == 0
    print(said)  # shown when the test fails, and with -s or -rP
    return dict(json.loads(said))


@pytest.mark.slow
def test_200_000_mutated_requests() -> None:
    each = REQUESTS // PROCESSES
    running = [fuzz("--first", str(each * number), "--count", str(each)) for number in range(PROCESSES)]
    found = [told(process) for process in running]
    assert [one["first_faults"] for one in found] == [[]] * PROCESSES
    assert sum(one["count"] for one in found) == each * PROCESSES
    assert max(one["slowest_ms"] for one in found) < SLOWEST_MS


@pytest.mark.slow
def test_some_thousand_through_the_real_server(tmp_path: Path) -> None:
    with serving(tmp_path, {"CDS_AUTH": "off", "CDS_TODAY": "2026-03-01"}) as url:
        found = run(over_http(url), REQUESTS, OVER_HTTP)
    print(json.dumps(found))
    assert found["first_faults"] == []
    assert found["slowest_ms"] < SLOWEST_MS
    assert SENTINEL not in (tmp_path / "log").read_text()
