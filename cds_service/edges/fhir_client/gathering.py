"""What has come for one call, put in by the threads that fetch."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from cds_service.edges.fhir_client.outcomes import FAILED
from cds_service.edges.fhir_client.pages import Asked, follow
from cds_service.faults import places

MOST_BYTES = 8_000_000  # of all lists of a call together: what is read beyond it could not be judged in time either

_log = logging.getLogger("cds_service")


class Gathering:
    """What has come for one call, put in by several threads; a class because it holds a lock.

    answered: whether the server gave any answer at all, be it a refusal: then it is there.
    """

    def __init__(self, asked: Iterable[Asked]) -> None:
        self.answered = False
        self._asked = {each.key: each for each in asked}
        self._more_to_ask = False
        self._over = False
        self._left = MOST_BYTES
        self._changed = threading.Condition()
        self._given: dict[str, Any] = {}
        self._ends: dict[str, str] = {}

    def instead(self, asked: Asked) -> None:
        """Expect an answer to `asked`, and none any more to what was asked for its key before."""
        with self._changed:
            self._asked[asked.key] = asked
            self._ends.pop(asked.key, None)

    def more_to_ask(self) -> None:
        """Wait until `all_asked` says that these are all."""
        with self._changed:
            self._more_to_ask = True

    def all_asked(self) -> None:
        """Say that nothing more will be asked."""
        with self._changed:
            self._more_to_ask = False
            self._changed.notify_all()

    def take(self, size: int, before: int) -> bool:
        """Say whether so many bytes more of an answer may come for this call, and count them if so.

        before: how many of it are counted; if no more may come they are given back at once, for the other answers.
        """
        with self._changed:
            may = size <= self._left
            self._left += -size if may else before
            return may

    def give_back(self, size: int) -> None:
        """Count so many bytes no more."""
        with self._changed:
            self._left += size

    def run(self, get: Callable[[str, int], Any], asked: Asked) -> None:
        """Fetch one key, in a thread of the crew. Nothing is begun for a call that was answered meanwhile."""
        end = FAILED
        try:
            if not self._is_over(asked):
                end = follow(asked, get, partial(self._put, asked), self._heard, partial(self._is_over, asked))
        except Exception as fault:  # ours: the key is not read, and the log tells where
            _log.error("fetch-failed", extra={"error": type(fault).__name__, "places": places(fault)})
        finally:
            with self._changed:
                if self._asked[asked.key] is asked:
                    self._ends[asked.key] = end
                self._changed.notify_all()

    def wait(self, left_s: Callable[[], float]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Give what came, and how each key that is over ended, when all are or the time is."""
        with self._changed:
            self._changed.wait_for(self._is_whole, timeout=max(0.0, left_s()))
            self._over = True
            return dict(self._given), dict(self._ends)

    def _is_whole(self) -> bool:
        return not self._more_to_ask and len(self._ends) == len(self._asked)

    def _is_over(self, asked: Asked) -> bool:
        return self._over or self._asked[asked.key] is not asked

    def _put(self, asked: Asked, value: Any) -> None:
        with self._changed:
            if not self._is_over(asked):
                self._given[asked.key] = value

    def _heard(self) -> None:
        self.answered = True
