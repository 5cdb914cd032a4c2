"""A server of JWK Sets on loopback that can misbehave in every way a server of someone else's can."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler], None]


class KeyServer:
    """What a test holds of the server; a class because the behaviour is changed while it runs.

    asked: counts requests, on arrival. over: set when the test ends, so that a slow answer ends with it.
    """

    def __init__(self) -> None:
        self.behaviour: Behaviour = status(404)
        self.asked = 0
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()
        self.url = ""

    def gives(self, value: Any, **headers: str) -> None:
        self.behaviour = body(json.dumps(value).encode(), **headers)


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """Serve on a free port of loopback until the block ends."""
    held = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked += 1
            held.headers.append(dict(self.headers))
            try:
                held.behaviour(self)
            except OSError:  # the client has gone
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # with the usual 5, of many connections at once some are made only a second later
        daemon_threads = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        held.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        try:
            yield held
        finally:
            held.over.set()
            server.shutdown()
            thread.join()


def body(content: bytes, **headers: str) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def status(code: int, **headers: str) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def after(event: threading.Event, then: Behaviour) -> Behaviour:
    """Answer when `event` is set, and not before."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        event.wait(20)
        then(handler)

    return answer


def dripping(begin: bytes, over: threading.Event) -> Behaviour:
    """Send `begin`, then a byte every 20 ms: each read of the client is answered in time, the whole never."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(begin)
        while not over.wait(0.02):
            handler.wfile.write(b"1")
            handler.wfile.flush()

    return answer
