"""gunicorn: one worker a core, a few threads each, and the settings of both."""

import gc
import logging
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http import wsgi  # type: ignore[import-untyped]

from cds_service.edges.server.worker import PatientWorker
from cds_service.faults import places

SERVER_NAME = "cds-service"  # what the header Server says: neither the software in use nor its version
GRACE_S = 30
SILENT_WORKER_S = 60
MOST_CONNECTIONS, LEAST_CONNECTIONS = 1000, 100
OWN_FILES = 200  # of a worker: databases, log, counts, connections to FHIR servers
MAX_REQUESTS, MAX_REQUESTS_JITTER = 50_000, 5_000  # a worker is renewed now and then, never all at once

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


def most_connections(files: int) -> int:
    """How many clients may be connected to one worker that may have `files` open; the others wait to be let in.

    A worker that could open no file more would end, with the calls of everyone.
    """
    return max(LEAST_CONNECTIONS, min(MOST_CONNECTIONS, files - OWN_FILES))


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

        class Worker(PatientWorker):
            deadline_s = serving.deadline_s
            refused = staticmethod(self._refused)

        def post_fork(arbiter: Any, worker: Any) -> None:
            worker.signals_of_master = arbiter.SIG_QUEUE

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
            "worker_connections": most_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
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
            "post_fork": post_fork,
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
