"""gunicorn: one worker a core, a few threads each, and a deadline for what a client sends.

gunicorn reads a request without a time limit: a client that sends one byte now and then would hold a thread for as
long as it liked. Here all reading of one request is timed against one deadline that starts with its first byte.
Reading a body then fails with TimeoutError, for which the web edge answers 408; a client that is as slow with its
headers is hung up on.

What is not even HTTP never reaches the web edge. gunicorn would quote it in an HTML page and in its log, names and
tokens included; here it gets an OperationOutcome as any other error, and the log gets the kind of fault alone.
"""

import gc
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http import errors, wsgi  # type: ignore[import-untyped]
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from cds_service.core.problem import Issue
from cds_service.faults import places
from cds_service.protocol import operation_outcome

SERVER_NAME = "cds-service"  # what the header Server says: neither the software in use nor its version
GRACE_S = 30
SILENT_WORKER_S = 60
MAX_REQUESTS, MAX_REQUESTS_JITTER = 50_000, 5_000  # a worker is renewed now and then, never all at once

# By what gunicorn raises, the first that fits: status, FHIR IssueType and words.
_REFUSALS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (errors.LimitRequestLine, 414, "too-long", "the request line is too long"),
    (errors.LimitRequestHeaders, 431, "too-long", "the headers are too large or too many"),
    (errors.ExpectationFailed, 417, "not-supported", "Expect: only 100-continue can be met"),
    (errors.UnsupportedTransferCoding, 501, "not-supported", "Transfer-Encoding: only chunked can be read"),
    (errors.ParseException, 400, "structure", "the request is not well-formed HTTP"),
    (Exception, 500, "exception", "the service failed"),
)

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve.

    deadline_s:   for all that a client sends.
    on_ready:     called once, when the first worker serves.
    on_start, on_end: called in the master, before there is any worker and when none is left.
    on_child_end: called in the master with the process id of a worker that is no more.
    """

    host: str
    port: int
    workers: int
    threads: int
    log_level: str
    deadline_s: float
    on_ready: Callable[[int], None]
    on_child_end: Callable[[int], None] = lambda pid: None
    on_start: Callable[[], None] = lambda: None
    on_end: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a worker runs.

    close:   called when it ends in order, after its last answer.
    refused: told the status and the FHIR IssueType of a request that was refused before the application saw it.
    """

    app: Any
    close: Callable[[], None] = lambda: None
    refused: Callable[[int, str], None] = lambda status, code: None


class TimedSocket:
    """A socket whose reads share one deadline; a class because gunicorn's reader wants a socket.

    until: moment of time.monotonic() after which a read raises `late`.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until
        # gunicorn takes NoMoreData among the headers for a client that went away, and closes without a word.
        self.late: type[Exception] = errors.NoMoreData

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
    """A gthread worker that times what a client sends. A subclass of it sets `deadline_s` and `refused`."""

    deadline_s = 10.0

    @staticmethod
    def refused(status: int, code: str) -> None:
        """Told of each request that is refused before it was read."""

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

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        status, code, text = next(
            (status, code, text) for kind, status, code, text in _REFUSALS if isinstance(exc, kind)
        )
        level = logging.ERROR if status == HTTPStatus.INTERNAL_SERVER_ERROR else logging.WARNING
        where = places(exc) if level == logging.ERROR else None
        _log.log(
            level,
            "refused-before-read",
            extra={"error": type(exc).__name__, "status": status, "refused": code, "places": where},
        )
        self.refused(status, code)
        try:
            write_nonblock(client, _refusal(status, Issue(code, "", text)))
        except OSError:
            _log.debug("client-gone")


def _refusal(status: int, issue: Issue) -> bytes:
    """A whole HTTP response; the headers are those the web edge gives an error."""
    body = json.dumps(operation_outcome(issue))
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "X-Frame-Options: DENY",
        "Cross-Origin-Resource-Policy: same-origin",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Cache-Control: no-store",
    )
    return "\r\n".join([*lines, "", body]).encode("ascii")


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log without handlers of its own: what it says goes the way of all logs of this process."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.loglevel = self.LOG_LEVELS[cfg.loglevel]
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn run from Python; a class because gunicorn asks for one."""

    def __init__(self, serving: Serving, open_app: Callable[[], Opened]) -> None:
        self._serving = serving
        self._open_app = open_app
        self._opened: Opened | None = None  # in a worker, once it has its application
        super().__init__()

    def load_config(self) -> None:
        serving = self._serving

        class Worker(TimedWorker):
            deadline_s = serving.deadline_s
            refused = staticmethod(self._refused)

        def post_worker_init(worker: Any) -> None:
            gc.collect()
            gc.freeze()  # rules stay for good: no later collection need look through them (1 MB charts cause several)
            if worker.age == 1:  # the socket is open and this worker has its rules: a call made now is answered
                serving.on_ready(worker.sockets[0].getsockname()[1])

        def worker_exit(server: Any, worker: Any) -> None:
            if self._opened is not None:
                self._opened.close()

        def child_exit(server: Any, worker: Any) -> None:
            try:
                serving.on_child_end(worker.pid)
            except Exception as fault:  # the master must outlive it: it would end in the middle of renewing workers
                _log.error("child-end-failed", extra={"error": type(fault).__name__, "places": places(fault)})

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
            "logger_class": _Log,
            "accesslog": None,  # it would write query strings
            "proc_name": "cds-service",
            "post_worker_init": post_worker_init,
            "worker_exit": worker_exit,
            "child_exit": child_exit,
            "control_socket_disable": True,
            # A caller writes these: the path that is asked for must be the path that a token names.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def _refused(self, status: int, code: str) -> None:
        if self._opened is not None:
            self._opened.refused(status, code)

    def load(self) -> Any:
        try:
            self._opened = self._open_app()
        except Exception as fault:  # gunicorn would print it between the lines of the log
            # No request was read yet: what our own exceptions say is meant for the operator.
            text = str(fault) if type(fault).__module__.startswith("cds_service.") else None
            _log.critical(
                "worker-not-started", extra={"error": type(fault).__name__, "places": places(fault), "text": text}
            )
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        return self._opened.app


def serve(serving: Serving, open_app: Callable[[], Opened]) -> None:
    """Serve until SIGTERM or SIGINT; calls under way are answered first. Each worker opens its own app."""
    wsgi.SERVER = SERVER_NAME  # gunicorn has no setting for it
    master = os.getpid()
    serving.on_start()
    gc.collect()
    gc.freeze()  # what the master made ready stays for good, and its memory is shared while nobody writes to it
    try:
        _Server(serving, open_app).run()
    finally:
        if os.getpid() == master:  # a worker, which begins in there, leaves by here as well
            serving.on_end()
