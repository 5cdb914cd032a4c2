"""The configuration of the proxy: nginx takes it, it fits the service, its errors look like the service's."""

import json
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from cds_service.config import MOST_BUDGET_MS, Settings
from cds_service.core.problem import Issue
from cds_service.protocol import operation_outcome
from tests.deploy.proxy import CONF, NGINX, Proxy, needs_nginx, place, placed, proxying
from tests.http.odd_servers import Asked, Said, serving_oddly

TEXT = CONF.read_text(encoding="utf-8")
LIMIT = Settings().max_body_bytes
FORWARDED = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "X-Forwarded-Prefix"}


def directive(name: str) -> str:
    """The one value of a directive."""
    (value,) = re.findall(rf"(?m)^\s*{name} ([^;]+);", TEXT)
    return str(value)


@needs_nginx
def test_nginx_takes_it_without_a_warning() -> None:
    with place(["127.0.0.1:1"]) as proxy:
        tried = subprocess.run(
            [str(NGINX), "-t", "-e", str(proxy.folder / "error.log"), "-c", str(proxy.folder / "nginx.conf")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert [line for line in tried.stderr.splitlines() if "[" in line] == []
    assert tried.returncode == 0


def test_only_paths_port_and_nodes_are_put_in() -> None:
    put = placed(TEXT, Path("/x"), 1, ["a:1", "b:2"])
    changed = [(was, now) for was, now in zip(TEXT.splitlines(), put.splitlines(), strict=True) if was != now]
    nodes = [now.strip() for was, now in changed if "cds-service:8000" in was]
    assert nodes == ["server a:1 max_fails=2 fail_timeout=5s; server b:2 max_fails=2 fail_timeout=5s;"]
    assert len(changed) == 12


def test_a_body_may_be_as_large_as_the_service_takes() -> None:
    assert directive("client_max_body_size") == str(LIMIT)


def test_one_address_cannot_fill_the_memory_that_bodies_lie_in() -> None:
    opened = int(re.findall(r"limit_conn connections (\d+);", TEXT)[0])
    proxy = yaml.safe_load((CONF.parents[1] / "compose" / "compose.yaml").read_text(encoding="utf-8"))["services"][
        "proxy"
    ]
    (megabytes,) = re.findall(r"^/tmp:.*size=(\d+)m$", proxy["tmpfs"][0])
    assert opened * LIMIT < int(megabytes) * 2**20


def test_it_waits_longer_than_a_call_may_take() -> None:
    assert int(directive("proxy_read_timeout").removesuffix("s")) * 1000 > MOST_BUDGET_MS


def test_a_call_that_was_sent_is_never_sent_again() -> None:
    # Its token has been shown: the second node would answer 401. docs/explanation/trust.md
    assert directive("proxy_next_upstream") == "error timeout"
    assert "non_idempotent" not in TEXT


def test_old_tls_is_not_spoken() -> None:
    assert directive("ssl_protocols") == "TLSv1.2 TLSv1.3"
    assert re.findall(r"(?m)^\s*listen (.*);", TEXT) == ["8443 ssl"]


def test_its_errors_are_those_of_the_service() -> None:
    returned = re.findall(
        r"(?s)location = (/-/\w+) \{\s*internal;\s*default_type application/json;\s*return (\d+) '(.*?)';", TEXT
    )
    named = {name: statuses.split() for statuses, name in re.findall(r"error_page ([\d ]+) = (/-/\w+);", TEXT)}
    assert {name for name, _, _ in returned} == set(named) == set(re.findall(r"location = (/-/\w+)", TEXT))
    for name, status, body in returned:
        (issue,) = json.loads(body)["issue"]
        assert json.loads(body) == operation_outcome(Issue(issue["code"], "", issue["details"]["text"])), name
        assert status in named[name] or (name, status) == ("/-/long_headers", "431")
    assert f"the body is larger than {LIMIT} bytes" in TEXT


def test_the_log_holds_no_query_no_header_and_no_body() -> None:
    (form,) = re.findall(r"(?s)log_format calls escape=json\n(.*?);", TEXT)
    assert set(re.findall(r"\$(\w+)", form)) == {
        "time_iso8601", "remote_addr", "request_method", "uri", "status", "request_time", "upstream_addr",
        "upstream_status",
    }  # fmt: skip


@pytest.fixture(scope="module")
def told() -> list[Asked]:
    """What reached the stand-in for the service."""
    return []


@pytest.fixture(scope="module")
def proxy(told: list[Asked]) -> Iterator[Proxy]:
    """nginx before a stand-in that answers everything, and before a node that is not there."""

    def answer(asked: Asked) -> Said:
        told.append(asked)
        return Said(200, b"{}", {"content-type": "application/json", "x-content-type-options": "nosniff"})

    with serving_oddly(answer) as url, proxying(["127.0.0.1:1", url.removeprefix("http://")]) as running:
        yield running


@needs_nginx
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/cds-services/oud-patient-view", LIMIT + 1, 413, "too-long"),
        ("GET", "/metrics", 0, 404, "not-found"),
        ("GET", "/rules/../metrics", 0, 404, "not-found"),
        ("GET", "/%6detrics", 0, 404, "not-found"),
        ("GET", "//metrics", 0, 404, "not-found"),
        ("GET", "/", 0, 404, "not-found"),
        ("GET", "/rules/" + 9000 * "x", 0, 414, "too-long"),
        ("TRACE", "/rules", 0, 405, "not-supported"),
    ],
)
def test_what_does_not_reach_the_service_is_answered_as_by_it(
    proxy: Proxy, told: list[Asked], method: str, path: str, body: int, status: int, code: str
) -> None:
    told.clear()
    with proxy.caller() as caller:
        asked = caller.prepare_request(requests.Request(method, proxy.url, data=b" " * body))
        asked.url = proxy.url + path  # as it stands: requests would tidy it
        answered = caller.send(asked, verify=proxy.authority)
    assert (answered.status_code, told) == (status, [])
    assert answered.headers["Content-Type"] == "application/json"
    assert answered.headers["Cache-Control"] == "no-store"
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert answered.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert [each["code"] for each in answered.json()["issue"]] == [code]


@needs_nginx
def test_a_call_is_passed_on_unchanged_by_a_node_that_is_there(proxy: Proxy, told: list[Asked]) -> None:
    told.clear()
    sent = {"Authorization": "Bearer a.b.c", "Content-Type": "application/json", **dict.fromkeys(FORWARDED, "spoofed")}
    path = "/cds-services/oud-patient-view?x=%2F"
    with proxy.caller() as caller:
        answers = [caller.post(proxy.url + path, data=b'{"a": 1}', headers=sent) for _ in range(4)]
    assert [each.status_code for each in answers] == 4 * [200]
    assert len(told) == 4
    for came in told:
        assert (came.path, came.body) == (path, b'{"a": 1}')
        assert came.headers["authorization"] == "Bearer a.b.c"
        assert not {each.lower() for each in FORWARDED} & set(came.headers)
    assert answers[0].headers["X-Content-Type-Options"] == "nosniff"  # once, though both would set it
    assert "Cache-Control" not in answers[0].headers


@needs_nginx
def test_a_chunked_body_is_passed_on_as_one_piece(proxy: Proxy, told: list[Asked]) -> None:
    told.clear()
    with proxy.caller() as caller:
        answered = caller.post(f"{proxy.url}/cds-services/oud-patient-view", data=iter([b"{", b"}"]))
    assert answered.status_code == 200
    assert (told[0].headers["content-length"], told[0].body) == ("2", b"{}")


@needs_nginx
def test_without_a_node_it_is_told_to_call_again() -> None:
    with proxying(["127.0.0.1:1"]) as proxy, proxy.caller() as caller:
        answered = caller.get(f"{proxy.url}/healthz")
    assert (answered.status_code, answered.headers["Retry-After"]) == (502, "1")
    assert [each["code"] for each in answered.json()["issue"]] == ["transient"]


@needs_nginx
def test_an_address_that_calls_too_often_is_told_so_and_another_is_not() -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: example\r\n\r\n"
    with proxying(["127.0.0.1:1"]) as proxy:
        first = answers_of(proxy, "127.0.0.5", 399 * ask + ask.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        with proxy.caller("127.0.0.6") as caller:
            other = caller.get(f"{proxy.url}/healthz")
    assert len(first) == 400
    assert 200 <= first.count("502") < 400  # the burst, and what was refilled meanwhile
    assert set(first) == {"502", "429"}
    assert other.status_code == 502  # let through, to a node that is not there


def answers_of(proxy: Proxy, address: str, sent: bytes) -> list[str]:
    """The statuses of what is answered to requests that are sent in one piece."""
    trusting = ssl.create_default_context(cafile=proxy.authority)
    with (
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10, source_address=(address, 0)) as plain,
        trusting.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(sent)
        return re.findall(r"HTTP/1.1 (\d+)", b"".join(iter(lambda: connection.recv(65536), b"")).decode())


@needs_nginx
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", "400"),
        (b"GET /rules HTTP/1.1\r\nHost: example\r\nA: " + 9000 * b"x" + b"\r\n\r\n", "431"),
        (b"POST /rules HTTP/1.1\r\nHost: example\r\nContent-Length: x\r\n\r\n", "400"),
    ],
)
def test_what_is_no_request_is_refused(proxy: Proxy, sent: bytes, status: str) -> None:
    assert answers_of(proxy, "127.0.0.1", sent) == [status]
