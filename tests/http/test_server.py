"""The real server on a real socket: slow clients, large bodies, and stopping while a call is under way."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.http.small_release import call

ROOT = Path(__file__).parents[2]
DEADLINE_S = 1.0
HEAD = "POST /cds-services/oud-patient-view HTTP/1.1\r\nHost: example\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def start(tmp_path: Path) -> Running:
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.http.serve_small", str(DEADLINE_S)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    log.close()
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("port "), (tmp_path / "log").read_text()
    return Running(process, int(said.split()[1]))


def stop(running: Running) -> int:
    running.process.terminate()
    code = running.process.wait(timeout=20)
    if running.process.stdout:
        running.process.stdout.close()
    return code


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(running)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_a_call_is_answered(server: Running) -> None:
    answered = requests.post(f"{server.url}/cds-services/oud-patient-view", json=call(), timeout=10)
    assert (answered.status_code, len(answered.json()["cards"])) == (200, 1)


def test_the_server_does_not_tell_what_it_is_made_of(server: Running) -> None:
    assert requests.get(f"{server.url}/healthz", timeout=10).headers["Server"] == "cds-service"


def test_a_chunked_body_is_read(server: Running) -> None:
    body = json.dumps(call()).encode()
    answered = requests.post(
        f"{server.url}/cds-services/oud-patient-view",
        data=iter([body[:100], body[100:]]),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert answered.status_code == 200


@pytest.mark.parametrize("length", ["Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"])
def test_a_body_that_drips_is_408_at_the_deadline(server: Running, length: str) -> None:
    with server.connect() as connection:
        began = time.monotonic()
        connection.sendall((HEAD + length).encode())
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.1):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        first = connection.recv(65536)
        took = time.monotonic() - began
        over.set()
        dripping.join()
    assert first.startswith(b"HTTP/1.1 408 ")
    assert DEADLINE_S <= took < DEADLINE_S + 2


def test_a_body_that_stops_is_408_with_an_operation_outcome(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall((HEAD + "Content-Length: 1000\r\n\r\n{").encode())
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["issue"][0]["code"] == "timeout"


def test_a_client_slow_with_its_headers_is_hung_up_on(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD.encode())
        began = time.monotonic()
        assert read_all(connection) == b""
    assert time.monotonic() - began < DEADLINE_S + 2


def test_slow_bodies_do_not_stop_the_service_for_longer_than_the_deadline(server: Running) -> None:
    held = [server.connect() for _ in range(4)]  # twice as many as there are threads
    for connection in held:
        connection.sendall((HEAD + "Content-Length: 1000\r\n\r\n").encode())
    answered = requests.get(f"{server.url}/healthz", timeout=10)
    for connection in held:
        connection.close()
    assert answered.status_code == 200
    assert answered.elapsed.total_seconds() < 2 * DEADLINE_S + 1


def test_a_body_cut_off_by_its_sender_is_400(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall((HEAD + "Content-Length: 1000\r\n\r\n{").encode())
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("length", [True, False], ids=["with its length", "chunked"])
def test_a_body_of_20_mb_is_413(server: Running, length: bool) -> None:
    data = b" " * 20_000_000
    with server.connect() as connection:
        if length:
            connection.sendall((HEAD + f"Content-Length: {len(data)}\r\n\r\n").encode())
        else:
            connection.sendall((HEAD + f"Transfer-Encoding: chunked\r\n\r\n{len(data):x}\r\n").encode())
        with contextlib.suppress(OSError):  # the server need not read it all
            connection.sendall(data)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_two_calls_share_a_connection(server: Running) -> None:
    with requests.Session() as session:
        statuses = [
            session.post(f"{server.url}/cds-services/oud-patient-view", json=call(), timeout=10).status_code
            for _ in range(2)
        ]
    assert statuses == [200, 200]


def test_a_call_without_a_body_is_400_at_once(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall((HEAD + "Connection: close\r\n\r\n").encode())
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")


def test_stopping_answers_the_call_under_way_first(tmp_path: Path) -> None:
    running = start(tmp_path)
    statuses: list[int] = []
    calling = threading.Thread(
        target=lambda: statuses.append(requests.get(f"{running.url}/slow", timeout=10).status_code)
    )
    calling.start()
    time.sleep(0.4)
    running.process.send_signal(signal.SIGTERM)
    code = running.process.wait(timeout=20)
    calling.join()
    if running.process.stdout:
        running.process.stdout.close()
    assert (statuses, code) == ([200], 0)


# --- what is not HTTP, or only half of it ---------------------------------------------------------------------------

CHUNKED = HEAD + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


def refused(server: Running, request: bytes, *, hang_up: bool = False) -> tuple[int, dict[str, Any], bytes]:
    """Status, OperationOutcome and headers of the one answer to `request`."""
    with server.connect() as connection:
        connection.sendall(request)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body), head


BAD_CHUNKS = {
    "size": "zz\r\n{}\r\n0\r\n\r\n",
    "negative size": "-5\r\n{}\r\n0\r\n\r\n",
    "end of a chunk": "2\r\n{}XX0\r\n\r\n",
    "second size": "5\r\n{    \r\nzz\r\n",
    "endless size": "1;" + "a" * 20_000,
    "trailer": "2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
}


@pytest.mark.parametrize("chunks", BAD_CHUNKS)
def test_chunks_that_cannot_be_told_apart_are_400(server: Running, chunks: str) -> None:
    status, outcome, _ = refused(server, (CHUNKED + BAD_CHUNKS[chunks]).encode())
    wanted = "the chunks of the body are not well-formed"
    assert (status, outcome["issue"][0]["details"]["text"]) == (400, wanted)


@pytest.mark.parametrize("end", ["\r\n", ""], ids=["between chunks", "inside a chunk"])
@pytest.mark.parametrize("blanks", [0, 200_000], ids=["small", "large"])
def test_chunks_that_stop_are_400_even_if_what_came_is_a_whole_call(server: Running, end: str, blanks: int) -> None:
    body = json.dumps(call()) + " " * blanks
    size = len(body) if end else len(body) + 9
    status, outcome, _ = refused(server, f"{CHUNKED}{size:x}\r\n{body}{end}".encode(), hang_up=True)
    assert (status, outcome["issue"][0]["details"]["text"]) == (400, "the body ended before its last chunk")


NO_HTTP = {
    "a name in the path": (b"GET /cds-services?name=SENTINEL NAME HTTP/1.1\r\nHost: example\r\n\r\n", 400),
    "no HTTP at all": (b"\x16\x03\x01 SENTINEL\r\n\r\n", 400),
    "a header without a colon": (b"GET /healthz HTTP/1.1\r\nHost: example\r\nAuthorization SENTINEL\r\n\r\n", 400),
    "two lengths": ((HEAD + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ").encode(), 400),
    "length and chunks": ((HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{}   ").encode(), 400),
    "chunks that are not last": ((HEAD + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n").encode(), 400),
    "chunks twice": (
        (HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode(),
        400,
    ),
    "a blank before the colon": ((HEAD + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n").encode(), 400),
    "a folded header": ((HEAD + "X-A: a\r\n Content-Length: 5\r\n\r\n{}   ").encode(), 400),
    "a length with a sign": ((HEAD + "Content-Length: +2\r\n\r\n{}").encode(), 400),
    "lengths in one line": ((HEAD + "Content-Length: 2, 2\r\n\r\n{}").encode(), 400),
    "a length with an underline": ((HEAD + "Content-Length: 0_2\r\n\r\n{}").encode(), 400),
    "a NUL in a header": ((HEAD + "X-A: a\x00b\r\n\r\n").encode(), 400),
    "a lone return in a header": ((HEAD + "X-A: a\rContent-Length: 5\r\n\r\n").encode(), 400),
    "chunks in HTTP/1.0": (
        HEAD.replace("HTTP/1.1", "HTTP/1.0").encode() + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a length that is no number": ((HEAD + "Content-Length: SENTINEL\r\n\r\n").encode(), 400),
    "a long path": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: example\r\n\r\n", 414),
    "an expectation": ((HEAD + "Expect: SENTINEL\r\nContent-Length: 2\r\n\r\n{}").encode(), 417),
    "large headers": ((HEAD + "X-A: " + "a" * 20_000 + "\r\n\r\n").encode(), 431),
    "many headers": ((HEAD + "X-A: a\r\n" * 200 + "\r\n").encode(), 431),
    "another transfer coding": ((HEAD + "Transfer-Encoding: SENTINEL\r\n\r\n").encode(), 501),
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_gets_an_operation_outcome_that_quotes_nothing(server: Running, name: str) -> None:
    request, wanted = NO_HTTP[name]
    status, outcome, head = refused(server, request)
    assert (status, outcome["resourceType"]) == (wanted, "OperationOutcome")
    assert "SENTINEL" not in json.dumps(outcome)
    for each in (
        b"Content-Type: application/json",
        b"X-Content-Type-Options: nosniff",
        b"Cache-Control: no-store",
        b"default-src 'none'",
    ):
        assert each in head


def test_the_log_quotes_nothing_of_what_is_no_http(tmp_path: Path) -> None:
    running = start(tmp_path)
    for request, _ in NO_HTTP.values():
        refused(running, request)
    stop(running)
    log = (tmp_path / "log").read_text()
    told = [line for each in log.splitlines() if (line := json.loads(each))["event"] == "refused-before-read"]
    assert ("InvalidHTTPVersion", 400) in {(each["error"], each["status"]) for each in told}
    assert len(told) == len(NO_HTTP)
    assert "SENTINEL" not in log


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /foo", "Script-Name: /foo", "PATH_INFO: /healthz"])
def test_a_header_does_not_change_the_path_that_is_asked_for(server: Running, header: str) -> None:
    for path, wanted in (("/foo/healthz", b"404"), ("/nothing-here", b"404"), ("/healthz", b"200")):
        with server.connect() as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: example\r\n{header}\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            status = read_all(connection).split(b" ", 2)[1]
        assert status in (wanted, b"400"), path
