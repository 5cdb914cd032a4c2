"""What a FHIR server states of itself: its version, as one worker learnt it from the server's `metadata`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cds_service.edges.outbound import Fetched, Unfetched
from cds_service.fhir.versions import served_version

# Of all that a server states only the version is read; a server that knows `_summary` leaves the rest out.
# Source: https://hl7.org/fhir/R4/http.html#capabilities and https://hl7.org/fhir/R4/search.html#summary
METADATA = "metadata?_summary=true"
MOST_BYTES = 4_000_000
MOST_S = 5.0  # no call waits for it longer than its own budget lasts
KEPT_S = 24 * 3600.0
AGAIN_S = 60.0  # after an answer that was of no use

# Why the version of a server was not learnt, beside the kinds of outbound.Unfetched.
NO_STATEMENT, OTHER_VERSION = "no-statement", "other-version"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of asking. version: as in fhir.versions; "" when none was learnt, and then `why` is not "".

    answered: the server states a version, though it may be none that is read here.
    """

    version: str = ""
    why: str = ""
    answered: bool = False


class Stated:
    """The version that one server states; a class because it holds what was learnt, and a lock.

    One request at a time: who is told to ask does, and says what came of it. A version stays until the server states
    another; after a day it is asked for again, and what was of no use is after a minute.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._version = ""
        self._asking = False
        self._again_at: float | None = None
        self._told: Callable[[], None] | None = None

    @property
    def untried(self) -> bool:
        """Whether nothing has ever come of asking, for good or ill."""
        return self._again_at is None

    @property
    def version(self) -> str:
        """The version, as in fhir.versions; "" when it is not known."""
        return self._version

    def begin(self, told: Callable[[], None] | None = None) -> bool:
        """Say whether to ask now. If so, `learn` is to be called when that is over, and calls `told`."""
        with self._lock:
            due = self._again_at is None or self._monotonic() >= self._again_at
            if self._asking or not due:
                return False
            self._asking, self._told = True, told
            return True

    def forget(self, told: Callable[[], None]) -> None:
        """Do not call `told` any more: its call is over, and its token and what came for it are not to be kept."""
        with self._lock:
            if self._told is told:
                self._told = None

    def learn(self, learnt: Learnt) -> None:
        """Keep what came of asking, and tell who waits."""
        with self._lock:
            if learnt.answered:
                self._version = learnt.version
            self._asking = False
            self._again_at = self._monotonic() + (KEPT_S if learnt.version else AGAIN_S)
            told, self._told = self._told, None
        if told:
            told()


def ask(base: str, get: Callable[[str, int], Fetched]) -> Learnt:
    """Ask the server at `base` for its version. get: gives what is at a URL, of at most so many bytes."""
    try:
        version = served_version(get(f"{base}/{METADATA}", MOST_BYTES).value)
    except Unfetched as fault:
        return Learnt(why=fault.kind)
    if version is None:
        return Learnt(why=NO_STATEMENT)
    return Learnt(version, "" if version else OTHER_VERSION, answered=True)
