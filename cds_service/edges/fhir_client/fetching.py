"""Fetches for one call at a time what it lacks: in parallel, within what is left of its budget, page after page.

Whatever goes wrong, a key of which nothing came is simply not given: it stays not read, and the rules know what to do.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from cds_service.clients.client import Client
from cds_service.edges.fhir_client.breaker import Breaker
from cds_service.edges.fhir_client.crew import Crew
from cds_service.edges.fhir_client.pages import Asked, asked_for, follow
from cds_service.edges.fhir_client.servers import Server, allowed
from cds_service.edges.outbound import Resolve, Way, fetch_json, open_session
from cds_service.faults import places
from cds_service.fhir.lacking import lacking
from cds_service.protocol import HookCall

THREADS_A_CALL = 8  # requests to a server at the same time, for each call that may fetch
LEAST_S = 0.02  # with less left of the budget nothing is begun
TELLING_S = 0.25  # of a server that stays silent for less than this nothing is learnt
MOST_TOKEN = 16_384  # characters

# How the fetching of a key can end, for the counts.
WHOLE, CUT, LATE, FAILED = "whole", "cut", "late", "failed"
NOT_LISTED, NO_TOKEN, BUSY, RESTING, NO_TIME = "not-listed", "no-token", "busy", "resting", "no-time"
OUTCOMES = (
    WHOLE, CUT, LATE, FAILED, NOT_LISTED, NO_TOKEN, BUSY, RESTING, NO_TIME, "url", "address", "unreachable", "tls",
    "timeout", "redirect", "status", "encoding", "too-large", "not-json", "not-fhir",
)  # fmt: skip

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class _Line:
    """What a worker keeps for a server: its connections, how it is reached, and how it has been doing.

    crew: threads of its own, so that a server at which they hang takes none from the others.
    """

    session: requests.Session
    crew: Crew
    way: Way
    breaker: Breaker


class FhirServers:
    """Fetching from FHIR servers in one worker; a class because it holds connections, threads and breakers.

    threads:  of the worker: one fewer calls may fetch at a time, so that one thread always answers what needs nothing.
    budget_s: from the start of a call until the last fetch of it ends, unless the client has its own.
    fetched:  told how the fetching of each key ended, one of OUTCOMES.
    """

    def __init__(
        self,
        threads: int,
        budget_s: float,
        fetched: Callable[[str], None] = lambda outcome: None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        resolve: Resolve | None = None,
        breaker_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        calls = max(1, threads - 1)
        self._budget_s = budget_s
        self._fetched = fetched
        self._monotonic = monotonic
        self._resolve = resolve
        self._breaker_clock = breaker_clock
        self._free = threading.BoundedSemaphore(calls)
        self._size = calls * THREADS_A_CALL
        self._lock = threading.Lock()
        self._lines: dict[Server, _Line] = {}

    def of(self, client: Client, began: float) -> "FhirAccess | None":
        """Give what fetches for one call that began at `began`; None for a client without FHIR servers."""
        return FhirAccess(self, client, began) if client.fhir_servers else None

    def fill(self, client: Client, began: float, call: HookCall, keys: Collection[str]) -> Mapping[str, Any]:
        """Give values, in place of what was sent, for those of `keys` that lack something and could be had."""
        wanted = lacking(call.prefetch, keys)
        if not wanted or call.fhir_server is None:
            return {}
        server = allowed(call.fhir_server, client.fhir_servers, client.fhir_private)
        if server is None:
            return self._nothing(NOT_LISTED, len(wanted))
        token = _token(call)
        if not token:
            return self._nothing(NO_TOKEN, len(wanted))
        budget_s = self._budget_s if client.budget_ms is None else client.budget_ms / 1000
        until = began + budget_s
        if until - self._monotonic() < LEAST_S:
            return self._nothing(NO_TIME, len(wanted))
        if not self._free.acquire(blocking=False):
            return self._nothing(BUSY, len(wanted))
        try:
            return self._through(server, token, call, wanted, until)
        finally:
            self._free.release()

    def close(self) -> None:
        """End the threads and close the connections."""
        with self._lock:
            for line in self._lines.values():
                line.crew.end()
                line.session.close()

    def _through(
        self, server: Server, token: str, call: HookCall, wanted: Mapping[str, Any], until: float
    ) -> Mapping[str, Any]:
        line = self._line(server)
        entered = line.breaker.enter()
        if not entered:
            return self._nothing(RESTING, len(wanted))
        gathering, failed = _Gathering(len(wanted)), None
        patient_id = str(call.context.get("patientId", ""))
        asked = [asked_for(key, server.base, patient_id, page) for key, page in wanted.items()]
        telling = any(each.url for each in asked) and until - self._monotonic() >= TELLING_S
        try:
            headers = {"Accept": "application/fhir+json", "Authorization": f"Bearer {token}"}
            get = partial(self._get, line, headers, until)
            for each in asked:
                line.crew.do(partial(gathering.run, get, each))
            given, ends = gathering.wait(lambda: until - self._monotonic())
            failed = False if gathering.answered else True if telling else None
        finally:
            line.breaker.leave(entered, failed=failed)
        for key in wanted:
            self._fetched(ends.get(key, CUT if key in given else LATE))
        return given

    def _get(self, line: _Line, headers: Mapping[str, str], until: float, url: str, max_bytes: int) -> Any:
        return fetch_json(
            url,
            deadline_s=max(0.0, until - self._monotonic()),
            max_bytes=max_bytes,
            headers=headers,
            way=line.way,
            session=line.session,
        )

    def _line(self, server: Server) -> _Line:
        with self._lock:
            if server not in self._lines:

                def opened() -> None:
                    _log.warning("fhir-server-rests", extra={"server": server.base})

                way = Way(server.may_reach, self._resolve)
                breaker = Breaker(self._breaker_clock, opened)
                self._lines[server] = _Line(open_session(self._size), Crew(self._size), way, breaker)
            return self._lines[server]

    def _nothing(self, why: str, keys: int) -> Mapping[str, Any]:
        for _ in range(keys):
            self._fetched(why)
        return {}


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """The port services.FhirClient of one call."""

    servers: FhirServers
    client: Client
    began: float

    def fill(self, call: HookCall, keys: Collection[str]) -> Mapping[str, Any]:
        return self.servers.fill(self.client, self.began, call, keys)


class _Gathering:
    """What has come for one call, put in by several threads; a class because it holds a lock.

    answered: whether the server gave any answer at all, be it a refusal: then it is there.
    """

    def __init__(self, keys: int) -> None:
        self.answered = False
        self._left = keys
        self._over = False
        self._changed = threading.Condition()
        self._given: dict[str, Any] = {}
        self._ends: dict[str, str] = {}

    def run(self, get: Callable[[str, int], Any], asked: Asked) -> None:
        """Fetch one key, in a thread of the crew. Nothing is begun for a call that was answered meanwhile."""
        end = FAILED
        try:
            if not self._over:
                end = follow(asked, get, partial(self._put, asked.key), self._heard, lambda: self._over)
        except Exception as fault:  # ours: the key is not read, and the log tells where
            _log.error("fetch-failed", extra={"error": type(fault).__name__, "places": places(fault)})
        finally:
            with self._changed:
                self._left -= 1
                self._ends[asked.key] = end
                self._changed.notify_all()

    def wait(self, left_s: Callable[[], float]) -> tuple[dict[str, Any], dict[str, str]]:
        """Give what came, and how each key that is over ended, when all are or the time is."""
        with self._changed:
            self._changed.wait_for(lambda: self._left == 0, timeout=max(0.0, left_s()))
            self._over = True
            return dict(self._given), dict(self._ends)

    def _put(self, key: str, value: Any) -> None:
        with self._changed:
            if not self._over:
                self._given[key] = value

    def _heard(self) -> None:
        self.answered = True


def _token(call: HookCall) -> str:
    """The token to send; "" when there is none that can be sent in a header."""
    given = call.fhir_authorization
    if given is None or given.expires_in_s <= 0:
        return ""
    token = given.access_token
    return token if token.isascii() and token.isprintable() and " " not in token and len(token) <= MOST_TOKEN else ""
