"""A circuit breaker: a server that does not answer is left alone for a while, so that calls do not wait for it."""

import threading
from collections import deque
from collections.abc import Callable

FAILURES, WITHIN_S = 3, 30.0
REST_S = 30.0


class Breaker:
    """Of one server in one worker; a class because it holds what calls before met with, and a lock.

    Three failures within 30 seconds open it. Open, it lets nothing through for 30 seconds, then one call, the probe: if
    that one succeeds all may go again, else it stays open for another 30 seconds.
    """

    def __init__(self, monotonic: Callable[[], float], opened: Callable[[], None] = lambda: None) -> None:
        self._monotonic = monotonic
        self._opened = opened
        self._lock = threading.Lock()
        self._failed: deque[float] = deque(maxlen=FAILURES)
        self._open_at: float | None = None
        self._probing = False

    @property
    def rests(self) -> bool:
        """Whether it is open, be it that a probe is on its way."""
        return self._open_at is not None

    def enter(self) -> str:
        """Say how a call may go: "" not at all, "call" or "probe". What is said goes to `leave` when it is over."""
        with self._lock:
            if self._open_at is None:
                return "call"
            if self._probing or self._monotonic() - self._open_at < REST_S:
                return ""
            self._probing = True
            return "probe"

    def leave(self, entered: str, *, failed: bool | None) -> None:
        """Note how a call that was let through ended. One that began before the breaker opened changes nothing.

        failed: None when the call tells nothing of the server; after such a probe the next call is one.
        """
        told = False
        with self._lock:
            now = self._monotonic()
            if entered == "probe":
                self._probing = False
                if failed is not None:
                    self._open_at = now if failed else None
                    self._failed.clear()
            elif failed and self._open_at is None:
                self._failed.append(now)
                if len(self._failed) == FAILURES and now - self._failed[0] <= WITHIN_S:
                    self._open_at, told = now, True
        if told:
            self._opened()
