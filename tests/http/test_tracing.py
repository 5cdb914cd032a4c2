"""OpenTelemetry: a span for each CDS call if it is asked for and installed, else not even an import."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cds_service.edges.tracing import ENDPOINT, OFF, open_tracing, tracing_through, warn_if_missing
from cds_service.seen import CALL_ROUTE, Seen
from tests.http.log_lines import told, undocumented
from tests.http.small_release import BROKEN_NOTE, SMALL, app_of, call, release_of

ROOT = Path(__file__).parents[2]


def spans_of(*bodies: Any, release: Any = SMALL, service: str = "oud-patient-view") -> Any:
    exporter = InMemorySpanExporter()
    tracing = tracing_through(SimpleSpanProcessor(exporter))
    client = app_of(release, seen=tracing.seen).test_client()
    client.get("/healthz")
    for body in bodies:
        client.post(f"/cds-services/{service}?name=SENTINEL", json=body, headers={"traceparent": "SENTINEL"})
    tracing.close()
    return exporter.get_finished_spans()


def test_a_call_is_a_span_with_its_outcome_and_nothing_else() -> None:
    (span,) = spans_of(call())
    assert (span.name, span.kind, span.parent) == ("POST /cds-services/oud-patient-view", SpanKind.SERVER, None)
    assert dict(span.attributes) == {
        "cds.service": "oud-patient-view",
        "cds.release": SMALL.id,
        "cds.cards": 1,
        "http.response.status_code": 200,
    }
    assert 0 < span.end_time - span.start_time < 60e9
    assert span.status.status_code == StatusCode.UNSET
    for each in ("SENTINEL", "example-1", "example-user", call()["hookInstance"]):
        assert each not in span.to_json()


def test_a_refused_call_is_a_span_and_a_failed_one_says_so() -> None:
    (refused,) = spans_of({"hook": "SENTINEL"})
    assert (refused.attributes["http.response.status_code"], refused.attributes["cds.cards"]) == (400, 0)
    (failed,) = spans_of(call(), release=release_of(BROKEN_NOTE))
    assert failed.attributes["http.response.status_code"] == 500
    assert failed.status.status_code == StatusCode.ERROR
    (unknown,) = spans_of(call(), service="SENTINEL")
    assert (unknown.name, unknown.attributes["cds.service"]) == (f"POST {CALL_ROUTE}", "")


def test_the_service_is_named_as_it_is_or_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spans_of(call())[0].resource.attributes["service.name"] == "cds-service"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "example-service")
    assert spans_of(call())[0].resource.attributes["service.name"] == "example-service"


def test_without_the_variable_there_is_no_tracing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        warn_if_missing({ENDPOINT: ""})
        assert open_tracing({}) is OFF
    assert caplog.records == []


IMPORTED = """
import sys
from cds_service.config import Settings
from cds_service.wiring import open_service, serving
served = serving(Settings(auth="off"), print)
served.on_start()
opened = open_service(Settings(auth="off"))
assert opened.app.test_client().get("/cds-services").status_code == 200
opened.close()
served.on_end()
print([each for each in sys.modules if each.startswith("opentelemetry")])
"""
MISSING = """
import os, sys
sys.modules[sys.argv[1]] = None  # so that importing it raises ImportError
from cds_service.config import Settings
from cds_service.edges.logs import configure
from cds_service.edges.tracing import OFF, open_tracing
from cds_service.wiring import serving
configure("info")
served = serving(Settings(auth="off"), print)
served.on_start()
assert open_tracing(os.environ) is OFF
served.on_end()
"""


def ran(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "CDS_"))}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=others | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_without_the_variable_nothing_of_opentelemetry_is_imported() -> None:
    off = ran(IMPORTED, CDS_RULES=str(ROOT / "rules"))
    assert (off.stdout, off.stderr) == ("[]\n", "")


@pytest.mark.parametrize("package", ["opentelemetry", "opentelemetry.exporter"])
def test_without_the_packages_the_service_starts_and_names_the_extra(package: str) -> None:
    missing = ran(MISSING, package, **{ENDPOINT: "http://127.0.0.1:9"})
    (line,) = [json.loads(each) for each in missing.stderr.splitlines()]
    assert (line["event"], line["level"]) == ("tracing-missing", "warning")
    assert (line["variable"], line["extra"]) == (ENDPOINT, "otel")
    assert undocumented([line]) == []


# What reaches a collector from the served service: test_sentinels.py.


def test_a_collector_that_does_not_answer_holds_up_the_end_for_seconds_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {ENDPOINT: f"http://127.0.0.1:{silent.getsockname()[1]}"}
        monkeypatch.setenv(ENDPOINT, environ[ENDPOINT])
        tracing = open_tracing(environ)
        began = time.monotonic()
        tracing.seen(Seen(SMALL, CALL_ROUTE, "oud-order-sign", "anonymous", 200))
        assert time.monotonic() - began < 1
        with caplog.at_level(logging.WARNING):
            tracing.close()
        assert time.monotonic() - began < 8
    assert {each["event"] for each in told(caplog)} <= {"library"}
    assert undocumented(told(caplog)) == []
