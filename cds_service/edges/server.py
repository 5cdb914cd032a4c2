"""gunicorn: one worker a core, a few threads each, and a deadline for what a client sends.

gunicorn reads a request without a time limit: a client that sends one byte now and then would hold a thread for as
long as it liked. Here all reading of one request is timed against one deadline that starts with its first byte.
Reading a body then fails with TimeoutError, for which the web edge answers 408; a client that is as slow with its
headers is hung up on.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.http.errors import NoMoreData  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

GRACE_S = 30
SILENT_WORKER_S = 60
MAX_REQUESTS, MAX_REQUESTS_JITTER = 50_000, 5_000  # a worker is renewed now and then, never all at once


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve. deadline_s: for all that a client sends; on_ready: called once, when the first worker serves."""

    host: str
    port: int
    workers: int
    threads: int
    log_level: str
    deadline_s: float
    on_ready: Callable[[int], None]


class TimedSocket:
    """A socket whose reads share one deadline; a class because gunicorn's reader wants a socket.

    until: moment of time.monotonic() after which a read raises `late`.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until
        # gunicorn takes NoMoreData among the headers for a client that went away, and closes without a word.
        self.late: type[Exception] = NoMoreData

    def recv(self, size: int) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.late()
        self._sock.settimeout(left)
        try:
            return self._sock.recv(size)
        except TimeoutError:
            raise self.late() from None
        finally:
            self._sock.settimeout(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class TimedWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that times what a client sends. A subclass of it sets `deadline_s`."""

    deadline_s = 10.0

    def handle(self, conn: Any) -> Any:
        begin = type(conn).init

        def begin_timed() -> None:
            begin(conn)
            conn.parser.unreader.sock = TimedSocket(conn.sock, time.monotonic() + self.deadline_s)

        conn.init = begin_timed  # gunicorn calls it when the first bytes of a request are there
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.parser.unreader.sock.late = TimeoutError
        return super().handle_request(req, conn)


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn run from Python; a class because gunicorn asks for one."""

    def __init__(self, serving: Serving, make_app: Callable[[], Any]) -> None:
        self._serving = serving
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        serving = self._serving

        class Worker(TimedWorker):
            deadline_s = serving.deadline_s

        def post_worker_init(worker: Any) -> None:
            if worker.age == 1:  # the socket is open and this worker has its rules: a call made now is answered
                serving.on_ready(worker.sockets[0].getsockname()[1])

        host = f"[{serving.host}]" if ":" in serving.host else serving.host
        chosen = {
            "bind": f"{host}:{serving.port}",
            "workers": serving.workers,
            "threads": serving.threads,
            "worker_class": Worker,
            "preload_app": False,  # threads and connections made before the fork would be dead in the workers
            "timeout": SILENT_WORKER_S,
            "graceful_timeout": GRACE_S,
            "max_requests": MAX_REQUESTS,
            "max_requests_jitter": MAX_REQUESTS_JITTER,
            "loglevel": serving.log_level,
            "accesslog": None,  # it would write query strings
            "proc_name": "cds-service",
            "post_worker_init": post_worker_init,
            "control_socket_disable": True,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._make_app()


def serve(serving: Serving, make_app: Callable[[], Any]) -> None:
    """Serve until SIGTERM or SIGINT; calls under way are answered first. Each worker makes its own app."""
    _Server(serving, make_app).run()
