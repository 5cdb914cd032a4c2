"""Which tokens this worker has seen: the first of two places that are asked. The store knows those of other workers.

It holds a bounded number. When it is full, tokens that are no longer valid go first; if all are valid, the one that
ends soonest goes. So a full memory never refuses a call, and never grows; until the forgotten token ends, only the
store still knows it. 100,000 tokens of the longest life are more than 80 calls a second in one worker.
"""

import heapq
import threading
from collections.abc import Callable

MOST_TOKENS = 100_000


class ReplayMemory:
    """The tokens one worker has seen; a class because it holds them and a lock.

    forgotten: told when a token that is still valid had to be forgotten.
    """

    def __init__(self, most: int = MOST_TOKENS, forgotten: Callable[[], None] = lambda: None) -> None:
        self._most = most
        self._forgotten = forgotten
        self._lock = threading.Lock()
        self._ends: dict[tuple[str, str], float] = {}
        self._soonest: list[tuple[float, tuple[str, str]]] = []

    def __len__(self) -> int:
        return len(self._ends)

    def holds(self, client: str, digest: str, now: float) -> bool:
        """Whether this token of the client was seen and could still be valid. Remembers nothing."""
        with self._lock:
            return self._ends.get((client, digest), now) > now

    def first(self, client: str, digest: str, ends: float, now: float) -> bool:
        """Remember a token until `ends` (seconds since 1970) and say whether it was not there yet.

        Of several threads with the same token one is told True.
        """
        key = (client, digest)
        lost = False
        with self._lock:
            while self._soonest and self._soonest[0][0] <= now:
                del self._ends[heapq.heappop(self._soonest)[1]]
            if key in self._ends:
                return False
            if len(self._ends) >= self._most:
                del self._ends[heapq.heappop(self._soonest)[1]]
                lost = True
            self._ends[key] = ends
            heapq.heappush(self._soonest, (ends, key))
        if lost:
            self._forgotten()
        return True
