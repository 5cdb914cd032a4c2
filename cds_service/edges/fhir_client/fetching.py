"""Fetches for one call at a time what it lacks: in parallel, within what is left of its budget, page after page.

Whatever goes wrong, a key of which nothing came is simply not given: it stays not read, and the rules know what to do.
The FHIR version of a server is learnt on the way, in threads of its own, so that no list waits for it.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests

from cds_service.clients.client import Client
from cds_service.edges.fhir_client.breaker import Breaker
from cds_service.edges.fhir_client.crew import Crew
from cds_service.edges.fhir_client.gathering import Gathering
from cds_service.edges.fhir_client.outcomes import BUSY, CUT, FAILED, LATE, NO_TIME, NO_TOKEN, NOT_LISTED, RESTING
from cds_service.edges.fhir_client.pages import Asked, asked_for
from cds_service.edges.fhir_client.servers import Server, allowed
from cds_service.edges.fhir_client.stated import MOST_S, Learnt, Stated, ask
from cds_service.edges.outbound import Fetched, Resolve, Take, Unfetched, Way, fetch_json, open_session, take_all
from cds_service.faults import places
from cds_service.fhir.lacking import Filled, lacking
from cds_service.fhir.versions import DIALECTS, R4
from cds_service.protocol import HookCall

THREADS_A_CALL = 8  # requests to a server at the same time, for each call that may fetch
LEAST_S = 0.02  # with less left of the budget nothing is begun
TELLING_S = 0.25  # of a server that stays silent for less than this nothing is learnt
MOST_TOKEN = 16_384  # characters
FHIR_JSON = {"Accept": "application/fhir+json"}

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class _Line:
    """What a worker keeps for a server: its connections, how it is reached, how it has been doing, its version.

    crew, version_crew: threads of its own, so that a server at which they hang takes none from the others.
    """

    session: requests.Session
    crew: Crew
    version_crew: Crew
    way: Way
    breaker: Breaker
    stated: Stated


@dataclass(frozen=True, slots=True)
class _Asking:
    """What one call asks of a server. version: of the client's entry, "" for none. until: on the monotonic clock."""

    server: Server
    line: _Line
    token: str = field(repr=False)
    patient_id: str
    version: str
    wanted: Mapping[str, Any]
    until: float

    def asked(self, version: str) -> list[Asked]:
        """Give what is asked for each key of a server of `version`; of R4 where none is known."""
        read = DIALECTS[version or R4].read
        base, patient_id = self.server.base, self.patient_id
        return [asked_for(key, base, patient_id, page, read) for key, page in self.wanted.items()]


class FhirServers:
    """Fetching from FHIR servers in one worker; a class because it holds connections, threads and breakers.

    threads:  of the worker: one fewer calls may fetch at a time, so that one thread always answers what needs nothing.
    budget_s: from the start of a call until the last fetch of it ends, unless the client has its own.
    fetched:  told how the fetching of each key ended, one of OUTCOMES.
    long_clock: seconds by which a server rests and its version is kept.
    """

    def __init__(
        self,
        threads: int,
        budget_s: float,
        fetched: Callable[[str], None] = lambda outcome: None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        resolve: Resolve | None = None,
        long_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        calls = max(1, threads - 1)
        self._budget_s = budget_s
        self._fetched = fetched
        self._monotonic = monotonic
        self._resolve = resolve
        self._long_clock = long_clock
        self._free = threading.BoundedSemaphore(calls)
        self._size = calls * THREADS_A_CALL
        self._lock = threading.Lock()
        self._lines: dict[Server, _Line] = {}

    def of(self, client: Client, began: float) -> "FhirAccess | None":
        """Give what fetches for one call that began at `began`; None for a client without FHIR servers."""
        return FhirAccess(self, client, began) if client.fhir_servers else None

    def fill(self, client: Client, began: float, call: HookCall, keys: Collection[str]) -> Filled:
        """Give values, in place of what was sent, for those of `keys` that lack something and could be had."""
        wanted = lacking(call.prefetch, keys)
        if call.fhir_server is None or (client.fhir_version and not wanted):
            return Filled()
        server = allowed(call.fhir_server, client.fhir_servers, client.fhir_private)
        if server is None:
            self._count(NOT_LISTED, wanted)
            return Filled()
        line, token = self._line(server), _token(call)
        budget_s = self._budget_s if client.budget_ms is None else client.budget_ms / 1000
        given: Mapping[str, Any] = {}
        if token and wanted:
            patient = str(call.context.get("patientId", ""))
            asking = _Asking(server, line, token, patient, client.fhir_version, wanted, began + budget_s)
            given = self._within_bulkhead(asking)
        elif wanted:
            self._count(NO_TOKEN, wanted)
        failed = frozenset(wanted).difference(given) if token else frozenset()
        if client.fhir_version:
            return Filled(given, failed)
        if not line.breaker.rests and line.stated.begin():
            line.version_crew.do(partial(self._learn, server, line))
        return Filled(given, failed, line.stated.version)

    def close(self) -> None:
        """End the threads and close the connections."""
        with self._lock:
            for line in self._lines.values():
                line.crew.end()
                line.version_crew.end()
                line.session.close()

    def _within_bulkhead(self, asking: "_Asking") -> Mapping[str, Any]:
        if asking.until - self._monotonic() < LEAST_S:
            self._count(NO_TIME, asking.wanted)
        elif not self._free.acquire(blocking=False):
            self._count(BUSY, asking.wanted)
        else:
            try:
                return self._through(asking)
            finally:
                self._free.release()
        return {}

    def _through(self, asking: "_Asking") -> Mapping[str, Any]:
        line, wanted, until = asking.line, asking.wanted, asking.until
        entered = line.breaker.enter()
        if not entered:
            self._count(RESTING, wanted)
            return {}
        version, failed = asking.version or line.stated.version, None
        asked = asking.asked(version)
        telling = any(each.url for each in asked) and until - self._monotonic() >= TELLING_S
        gathering = Gathering(asked)
        headers = {**FHIR_JSON, "Authorization": f"Bearer {asking.token}"}
        get = partial(self._get_for, gathering, line, headers, until)

        def told() -> None:
            """Ask anew, in the words of the version that was learnt, what it has other words for."""
            for before, now in zip(asked, asking.asked(line.stated.version), strict=True):
                if before.page is None and before.url != now.url:
                    gathering.instead(now)
                    line.crew.do(partial(gathering.run, get, now))
            gathering.all_asked()

        try:
            # Only the first call that needs this server waits for its version, and no longer than for a list.
            if not version and not line.breaker.rests and line.stated.untried and line.stated.begin(told):
                gathering.more_to_ask()
                line.version_crew.do(partial(self._learn, asking.server, line))
            for each in asked:
                line.crew.do(partial(gathering.run, get, each))
            given, ends = gathering.wait(lambda: until - self._monotonic())
            failed = False if gathering.answered else True if telling else None
        finally:
            line.stated.forget(told)
            line.breaker.leave(entered, failed=failed)
        for key in wanted:
            self._fetched(ends.get(key, CUT if key in given else LATE))
        return given

    def _learn(self, server: Server, line: _Line) -> None:
        """Learn the version of a server, in a thread of its own crew. No token goes with it: it is about nobody."""
        learnt = Learnt(why=FAILED)
        try:
            learnt = ask(server.base, partial(self._get, line, FHIR_JSON, self._monotonic() + MOST_S))
            _log.info(
                "fhir-server-version",
                extra={"server": server.base, "fhir_version": learnt.version, "why": learnt.why},
            )
        except Exception as fault:  # ours: calls go by their shape, and the log tells where
            _log.error("fetch-failed", extra={"error": type(fault).__name__, "places": places(fault)})
        finally:
            line.stated.learn(learnt)

    def _get_for(
        self, gathering: Gathering, line: _Line, headers: Mapping[str, str], until: float, url: str, max_bytes: int
    ) -> Fetched:
        """Fetch for a call, whose answers together are bounded; of one that failed nothing weighs any more."""
        taken = 0

        def take(size: int) -> bool:
            nonlocal taken
            may = gathering.take(size, taken)
            taken = taken + size if may else 0
            return may

        try:
            return self._get(line, headers, until, url, max_bytes, take)
        except Unfetched:
            gathering.give_back(taken)
            raise

    def _get(
        self, line: _Line, headers: Mapping[str, str], until: float, url: str, max_bytes: int, take: Take = take_all
    ) -> Fetched:
        return fetch_json(
            url,
            deadline_s=max(0.0, until - self._monotonic()),
            max_bytes=max_bytes,
            headers=headers,
            way=line.way,
            session=line.session,
            take=take,
        )

    def _line(self, server: Server) -> _Line:
        with self._lock:
            if server not in self._lines:

                def opened() -> None:
                    _log.warning("fhir-server-rests", extra={"server": server.base})

                way = Way(server.may_reach, self._resolve)
                breaker, stated = Breaker(self._long_clock, opened), Stated(self._long_clock)
                session, crew = open_session(self._size), Crew(self._size)
                self._lines[server] = _Line(session, crew, Crew(1), way, breaker, stated)
            return self._lines[server]

    def _count(self, why: str, keys: Collection[str]) -> None:
        for _ in keys:
            self._fetched(why)


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """The port services.FhirClient of one call."""

    servers: FhirServers
    client: Client
    began: float

    def fill(self, call: HookCall, keys: Collection[str]) -> Filled:
        return self.servers.fill(self.client, self.began, call, keys)


def _token(call: HookCall) -> str:
    """The token to send; "" when there is none that can be sent in a header."""
    given = call.fhir_authorization
    if given is None or given.expires_in_s <= 0:
        return ""
    token = given.access_token
    return token if token.isascii() and token.isprintable() and " " not in token and len(token) <= MOST_TOKEN else ""
