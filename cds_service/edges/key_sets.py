"""The keys that clients sign with: JWK Sets from files and URLs, kept, renewed, and used on while a URL is down.

- A set is renewed in the background when it is older than its time: a minute for a file, ten minutes for a URL, or
  what its `Cache-Control: max-age` says between one minute and an hour.
- An unknown key id makes it be read anew at once, at most once a minute for each place, so that made-up key ids cannot
  make this service call a URL over and over. While nothing was ever read, it is tried every ten seconds.
- When it cannot be read, the last set goes on being used for 24 hours after it was last read. So a key is withdrawn by
  a set without it, not by taking the set away.
- Reading happens in a thread of its own, one for each place at a time. A call waits for it only when it cannot go on
  without, and no longer than three seconds after the reading began.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cds_service.clients.client import Client
from cds_service.core.problem import RequestProblem
from cds_service.edges.outbound import Fetched, Unfetched, fetch_json
from cds_service.strict_json import parse_json
from cds_service.trust.keys import KeyProblem, KeySet, PublicKey, read_key_set
from cds_service.trust.reason import Reason, Refused
from cds_service.trust.token import Token

MOST_BYTES = 256 * 1024
DEADLINE_S = 3.0
_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. Tests choose small ones.

    file_age, url_age:       when a set is renewed; least_age and most_age bound what a server may say of it.
    retry, first_retry:      between two readings for an unknown key id or after a failure; the second until one worked.
    outage:                  how long a set is used after it was last read.
    wait:                    how long a call waits for all the readings that it needs.
    """

    file_age: float = 60
    url_age: float = 600
    least_age: float = 60
    most_age: float = 3600
    retry: float = 60
    first_retry: float = 10
    outage: float = 24 * 3600
    wait: float = DEADLINE_S


class _Place:
    """One file or URL and the set last read there; a class because it holds a lock. Guarded by `changed`."""

    def __init__(self, name: str, age: float) -> None:
        self.name = name
        self.changed = threading.Condition()
        self.set: KeySet | None = None
        self.read_at = 0.0
        self.usual_age = self.renew_after = age
        self.began_at: float | None = None  # the last reading, whether it worked or not
        self.reading = False


class KeySets:
    """The key sets of one worker; a class because it holds them. To be made after the fork: it starts threads.

    failed:  told the place that could not be read or had unfit keys, besides the log.
    waiting: how many calls may wait for a reading at once. Whoever names an issuer can make a call wait, without any
             key: so most threads of a worker must stay free while a client's URL hangs.
    """

    def __init__(
        self,
        fetch: Callable[[str], Fetched] = lambda url: fetch_json(url, deadline_s=DEADLINE_S, max_bytes=MOST_BYTES),
        *,
        monotonic: Callable[[], float] = time.monotonic,
        times: Times = Times(),
        failed: Callable[[str], None] = lambda place: None,
        waiting: int = 2,
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._times = times
        self._failed = failed
        self._waiting = threading.BoundedSemaphore(waiting)
        self._places: dict[str | Path, _Place] = {}
        self._lock = threading.Lock()

    def key_of(self, client: Client, token: Token) -> PublicKey:
        """The key that the token names, from the client's own sets. Raises Refused.

        With `jku`, the set there comes first, then the client's file; without, the file and then all its sets.
        """
        unread = unfit = False
        sources = list(_sources(client, token.jku))
        for source in sources:
            self._begin(source, token.kid)  # all of them, so that waiting for one is waiting for each
        until = self._monotonic() + self._times.wait
        for source in sources:
            found = self._current(source, token.kid, until)
            key = found.find(token.kid, token.alg) if found else None
            if key is not None:
                return key
            unread = unread or found is None
            unfit = unfit or (found is not None and found.knows(token.kid))
        reason = Reason.KEY_UNFIT if unfit else Reason.KEYS_UNAVAILABLE if unread else Reason.KEY_UNKNOWN
        raise Refused(reason)

    def _place(self, source: str | Path) -> _Place:
        with self._lock:
            if source not in self._places:
                age = self._times.file_age if isinstance(source, Path) else self._times.url_age
                self._places[source] = _Place(str(source), age)
            return self._places[source]

    def begin(self, clients: Iterable[Client]) -> None:
        """Begin to read every set, so that the first calls need not wait."""
        for client in clients:
            for source in _sources(client, None):
                self._begin(source, "")

    def _begin(self, source: str | Path, kid: str) -> None:
        """Begin to read a set that is due, or lacks the key."""
        place = self._place(source)
        with place.changed:
            if not self._is_fresh(place, kid) and not place.reading and self._may_read(place):
                place.reading, place.began_at = True, self._monotonic()
                threading.Thread(target=self._read, args=(source, place), name="key-set", daemon=True).start()

    def _current(self, source: str | Path, kid: str, until: float) -> KeySet | None:
        """The set as it is to be used now; None when there is none."""
        place = self._place(source)
        with place.changed:
            if place.reading and not self._may_serve(place, kid) and self._waiting.acquire(blocking=False):
                try:
                    left = until - self._monotonic()
                    place.changed.wait_for(lambda: not place.reading, timeout=max(0.0, left))
                finally:
                    self._waiting.release()
            return self._usable(place)

    def _is_fresh(self, place: _Place, kid: str) -> bool:
        return self._knows(place, kid) and self._monotonic() - place.read_at < place.renew_after

    def _may_serve(self, place: _Place, kid: str) -> bool:
        """Whether a set may be used while it is read anew: not one that nobody asked for in a long time."""
        return self._knows(place, kid) and self._monotonic() - place.read_at < 2 * place.renew_after

    def _knows(self, place: _Place, kid: str) -> bool:
        have = self._usable(place)
        return have is not None and have.knows(kid)

    def _usable(self, place: _Place) -> KeySet | None:
        if place.set is None or self._monotonic() - place.read_at > self._times.outage:
            return None
        return place.set

    def _may_read(self, place: _Place) -> bool:
        if place.began_at is None:
            return True
        wait = self._times.first_retry if place.set is None else self._times.retry
        return self._monotonic() - place.began_at >= wait

    def _read(self, source: str | Path, place: _Place) -> None:
        """Read a set and put it in place; whatever happens, those who wait are woken."""
        found: KeySet | None = None
        age: float | None = None
        try:
            fetched = _from_file(source) if isinstance(source, Path) else self._fetch(source)
            found = read_key_set(fetched.value)
            age = fetched.max_age_s
        except (Unfetched, KeyProblem, OSError) as fault:
            told = fault.strerror if isinstance(fault, OSError) else fault
            _log.warning("keys-not-read", extra={"keys": place.name, "why": told})
        except Exception as fault:
            _log.error("keys-failed", extra={"keys": place.name, "error": type(fault).__name__})
        finally:
            with place.changed:
                if found is not None:
                    place.set, place.read_at = found, self._monotonic()
                    place.renew_after = place.usual_age
                    if age is not None:
                        place.renew_after = min(max(age, self._times.least_age), self._times.most_age)
                place.reading = False
                place.changed.notify_all()
        for number, why in found.unfit.items() if found else ():
            _log.warning("key-not-used", extra={"keys": place.name, "number": number + 1, "why": why})
        if found is None or found.unfit:
            self._failed(place.name)


def _sources(client: Client, jku: str | None) -> Iterable[str | Path]:
    file = () if client.keys is None else (client.keys,)
    return (jku, *file) if jku is not None else (*file, *client.jku)


def _from_file(path: Path) -> Fetched:
    with path.open("rb") as file:
        body = file.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise KeyProblem(f"is larger than {MOST_BYTES} bytes")
    try:
        return Fetched(parse_json(body))
    except RequestProblem:
        raise KeyProblem("is not strict JSON") from None
