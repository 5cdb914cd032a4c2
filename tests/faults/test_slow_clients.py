"""Two hundred clients that are slow in every way beside one that is not, without a proxy: its calls are answered.

A thread that waited for a slow client would answer nobody else; there are eight threads here. CLIENTS (200) is how
many there are.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from cds_service.wiring import BODY_DEADLINE_S
from tests.faults.load import Told, ask, figure, going_on, has_cards, median_ms
from tests.running import serving

pytestmark = pytest.mark.slow

CLIENTS = int(os.environ.get("CLIENTS", "200"))
CALLS = 25
HEAD = b"POST /cds-services/oud-patient-view HTTP/1.1\r\nHost: example\r\nContent-Type: application/json\r\n"

# What a slow client sends at once, and then again and again.
SLOW = {
    "silent": (b"", b""),
    "headers": (HEAD, b"X-A: a\r\n"),
    "body": (HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "second call": (b"GET /healthz HTTP/1.1\r\nHost: example\r\n\r\n" + HEAD, b"X-A: a\r\n"),
    "expecting": (HEAD + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n", b" "),
    "not closing": (b"GET /healthz HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n", b""),
    "not reading": (b"GET /rules/moud-interaction HTTP/1.1\r\nHost: example\r\nAccept: text/html\r\n\r\n" * 20, b""),
}


@contextmanager
def slow_clients(url: str, at_once: bytes, then: bytes) -> Iterator[None]:
    """Keep CLIENTS connected. Each sends a little each second and reads nothing; one hung up on comes again."""
    address = urlsplit(url).hostname, urlsplit(url).port
    over = threading.Event()

    def connect() -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(5)
        client.connect(address)
        client.setblocking(False)
        with contextlib.suppress(OSError):
            client.send(at_once)
        return client

    clients = [connect() for _ in range(CLIENTS)]

    def hung_up(client: socket.socket) -> bool:
        try:
            return client.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def go() -> None:
        while not over.wait(1.0):
            for place, client in enumerate(clients):
                try:
                    if then:
                        client.send(then)
                except BlockingIOError:
                    continue
                except OSError:
                    client.close()
                    with contextlib.suppress(OSError):
                        clients[place] = connect()
                    continue
                if not then and at_once == b"" and hung_up(client):
                    client.close()
                    with contextlib.suppress(OSError):
                        clients[place] = connect()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for each in clients:
            each.close()


def some_answers(call: Callable[[], Told]) -> list[Told]:
    """Of one caller, until it has CALLS or has tried for a while."""
    with going_on(call) as answers:
        until = time.monotonic() + 30
        while len(answers) < CALLS and time.monotonic() < until:
            time.sleep(0.05)
    return answers


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("slow")
    settings = {"CDS_AUTH": "off", "CDS_WORKERS": "2", "CDS_DATABASE_URL": f"sqlite:///{folder}/records.db"}
    with serving(folder, settings) as served:
        yield served


@pytest.mark.parametrize("how", SLOW)
def test_calls_are_answered_beside_slow_clients(url: str, how: str) -> None:
    alone = some_answers(lambda: ask(url))
    with slow_clients(url, *SLOW[how]):
        time.sleep(1.5)
        beside = some_answers(lambda: ask(url))
    after = some_answers(lambda: ask(url))
    longest = max(each.seconds for each in beside)
    figure(
        f"{CLIENTS} slow clients: {how}", calls=len(beside), median_ms_alone=round(median_ms(alone), 1),
        median_ms_beside=round(median_ms(beside), 1), longest_s=round(longest, 2),
        median_ms_after=round(median_ms(after), 1),
    )  # fmt: skip
    assert all(map(has_cards, [*alone, *beside, *after]))
    assert len(beside) >= CALLS
    assert longest < BODY_DEADLINE_S, "a call waited for slow clients"
