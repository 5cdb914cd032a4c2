"""Send mutated requests and judge every answer: `python -m tests.fuzz --count N [--first N] [--url URL]`.

Without --url they go through the WSGI application of the rules in this tree, in this process. Prints one JSON object:
how many, statuses, the slowest answer and the faults. Request number N is the same in every run.
"""

import argparse
import http.client
import io
import json
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from cds_service.fixtures import find, names
from cds_service.services import SERVICES
from tests.fuzz.mutate import SENTINEL, Request, Template, request, template
from tests.real_rules import TODAY, real_app

SEED = "2026-03-01"
HANG_S = 10  # an answer that takes longer is a fault, and the request is broken off
FAULTS_SHOWN = 20
Send = Callable[[Request], tuple[int, bytes]]
FEEDBACK = {
    "feedback": [
        {
            "card": "9368d37b-283f-44a0-93ea-547cebab93ed",
            "outcome": "accepted",
            "acceptedSuggestions": [{"id": "79a7e9bd-a3a0-4b7e-8d5c-1d6a0d2c1c50"}],
            "outcomeTimestamp": "2026-03-01T10:00:00Z",
        },
        {
            "card": "a-card-id.of_another_form",
            "outcome": "overridden",
            "overrideReason": {"reason": {"code": "c", "system": "https://example.org/s"}, "userComment": SENTINEL},
            "outcomeTimestamp": "2026-03-01T10:00:00.123Z",
        },
    ]
}


def templates() -> list[Template]:
    """Every fixture at the service of its hook, and feedback."""
    service = {each.hook: each.id for each in SERVICES.values()}
    calls = [(name, find(name)) for name in names()]
    found = [template(name, f"/cds-services/{service[each.hook]}", each.on(TODAY)) for name, each in calls]
    feedback = [template("feedback", f"/cds-services/{each}/feedback", FEEDBACK) for each in SERVICES]
    return found + feedback * (len(found) // 40)


def in_process(app: Any = None) -> Send:
    """Send through the WSGI application itself; without one, that of the rules in this tree."""
    app = app or real_app()

    def send(sent: Request) -> tuple[int, bytes]:
        path, _, query = sent.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": sent.method, "SCRIPT_NAME": "", "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(sent.body),
            "wsgi.errors": sys.stderr, "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(sent.body)),
        }  # fmt: skip
        for name, value in sent.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        statuses: list[str] = []
        parts = app(environ, lambda status, headers, exc_info=None: statuses.append(status))
        body = b"".join(parts)
        if close := getattr(parts, "close", None):
            close()
        return int(statuses[0][:3]), body

    return send


def over_http(url: str) -> Send:
    """Send over a new connection, byte by byte as it was made up."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)

    def send(sent: Request) -> tuple[int, bytes]:
        headers = {"Host": "example", "Connection": "close", "Content-Length": str(len(sent.body)), **sent.headers}
        lines = [f"{sent.method} {sent.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        with socket.create_connection(address, timeout=HANG_S) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + sent.body)
            connection.shutdown(socket.SHUT_WR)
            answered = http.client.HTTPResponse(connection, method=sent.method)
            answered.begin()
            return answered.status, answered.read()

    return send


def fault_of(sent: Request, status: int, body: bytes) -> str:
    """Say what is wrong with an answer, "" if nothing is."""
    no_content = sent.method in ("HEAD", "OPTIONS")
    if status == 200:
        return "" if no_content or sent.method == "GET" else _fault_of_cards(body)
    if status == 501 and SENTINEL.upper() in sent.method:
        return ""
    if status >= 500 or status < 400 or status == 408:
        return f"status {status}"
    if SENTINEL.lower().encode() in body.lower():
        return "a value of the request is repeated"
    return "" if no_content else _fault_of_outcome(body)


def _fault_of_cards(body: bytes) -> str:
    told = json.loads(body)
    if told.get("resourceType") == "OperationOutcome":  # feedback that was kept in part
        return _fault_of_outcome(body) or ("echoed" if SENTINEL.encode() in body else "")
    if not told:
        return ""  # feedback that was kept
    if not isinstance(told.get("cards"), list):
        return "200 without cards"
    failed = told["extension"]["org.oud-cds.evaluation"].get("failed")
    return f"a rule raised: {failed[0]['ruleId']}" if failed else ""


def _fault_of_outcome(body: bytes) -> str:
    try:
        told = json.loads(body)
        whole = all(each["severity"] and each["code"] and each["details"]["text"] for each in told["issue"])
        return "" if told["resourceType"] == "OperationOutcome" and whole and told["issue"] else "no OperationOutcome"
    except (ValueError, KeyError, TypeError):
        return "no OperationOutcome"


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Break off what takes longer, with TimeoutError."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(send: Send, first: int, count: int) -> dict[str, Any]:
    """Send the requests `first` to `first + count - 1`."""
    begin_with = templates()
    statuses: Counter[int] = Counter()
    faults: list[str] = []
    slowest = (0.0, first)
    began = time.monotonic()
    for number in range(first, first + count):
        sent = request(begin_with, f"{SEED}/{number}")
        start = time.monotonic()
        try:
            with alarm(HANG_S):
                status, body = send(sent)
                fault = fault_of(sent, status, body)
        except Exception as raised:  # whatever escapes the service is a finding, not the end of the run
            status, fault = 0, f"{type(raised).__name__} instead of an answer"
        slowest = max(slowest, (time.monotonic() - start, number))
        statuses[status] += 1
        if fault:
            faults.append(f"{number}: {sent.method} {sent.path[:80]}: {fault}")
    return {
        "count": count,
        "seconds": round(time.monotonic() - began, 1),
        "statuses": {str(status): times for status, times in sorted(statuses.items())},
        "slowest_ms": round(slowest[0] * 1000, 1),
        "slowest": slowest[1],
        "faults": len(faults),
        "first_faults": faults[:FAULTS_SHOWN],
    }


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--count", type=int, required=True)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--url")
    args = options.parse_args()
    send = over_http(args.url) if args.url else in_process()
    print(json.dumps(run(send, args.first, args.count)))


if __name__ == "__main__":
    main()
