"""How often a client may call: one token bucket a client in each worker.

A worker knows its own calls only, so with N workers (or nodes) a client can make up to N times as many. That bounds
what one client can take of a worker; a quota over all of them is the proxy's to keep.
"""

import threading
import time
from collections.abc import Callable

from cds_service.clients.client import Client, Rate


class Buckets:
    """The buckets of one worker; a class because it holds them and a lock. There is one for each client that called."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}  # by client: calls left, and when that was so

    def wait_s(self, client: Client) -> float:
        """Seconds until the client may call; 0 = now. Takes nothing."""
        return self._asked(client, take=False)

    def take(self, client: Client) -> float:
        """Count one call and give 0; or count nothing and give the seconds to wait."""
        return self._asked(client, take=True)

    def _asked(self, client: Client, take: bool) -> float:
        if client.rate is None:
            return 0.0
        with self._lock:
            level = self._level(client.name, client.rate)
            if level < 1:
                return (1 - level) / client.rate.per_second
            if take:
                self._levels[client.name] = (level - 1, self._monotonic())
            return 0.0

    def _level(self, name: str, rate: Rate) -> float:
        now = self._monotonic()
        level, since = self._levels.get(name, (float(rate.burst), now))
        return min(float(rate.burst), level + max(0.0, now - since) * rate.per_second)
