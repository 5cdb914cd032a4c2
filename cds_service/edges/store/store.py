"""What a worker keeps records with.

Made in the worker, after the fork: threads and connections made before it would be dead there.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from cds_service.edges.store.address import Address
from cds_service.edges.store.faults import StoreUnavailable, why
from cds_service.edges.store.lane import Lane
from cds_service.edges.store.rows import feedback_values
from cds_service.edges.store.source import FEEDBACK, OWED, RECORDS, TOKENS, Source
from cds_service.edges.store.tables import FEEDBACK as FEEDBACK_TABLE
from cds_service.edges.store.tokens import SeenTokens, forget_all
from cds_service.edges.store.writer import QUEUE_ROWS, Writer, insert_new
from cds_service.feedback import FeedbackItem
from cds_service.records import CallRow

FEEDBACK_S = 2.0
TURN_S = 0.25  # how long a post waits for its turn
REST_S = 1.0  # after a failure the next posts are told at once for so long
FEEDBACK_ROWS = 50  # of one transaction
CLOSE_S = 5.0

__all__ = ["Store", "StoreUnavailable"]


def utc_now() -> datetime:
    """The moment now, in UTC."""
    return datetime.now(timezone.utc)


def _mend(address: Address) -> None:
    # Alembic takes a while to import and is needed only when a database file has gone while the service runs.
    from cds_service.edges.store.schema import upgrade

    upgrade(address)


class Store:
    """Calls, feedback and tokens of one worker; a class because it holds connections and threads.

    dropped: told what was lost, as ("calls", how many). Calls may come from several threads.
    waiting: told how many calls are still to be written, and the age of the oldest in seconds.
    """

    def __init__(
        self,
        address: Address,
        *,
        dropped: Callable[[str, int], None],
        now: Callable[[], datetime] = utc_now,
        queue_rows: int = QUEUE_ROWS,
        waiting: Callable[[int, float], None] = lambda count, oldest_s: None,
    ) -> None:
        self._now = now
        self._feedback = Source(address, FEEDBACK, _mend)
        self._lane = Lane("feedback", FEEDBACK.connections)
        self._records = Source(address, RECORDS, _mend)
        self._owed = Source(address, OWED, _mend)
        self._tokens = SeenTokens(Source(address, TOKENS, _mend), now, self._owed)
        self._posts = threading.BoundedSemaphore(FEEDBACK.connections)
        self._rest_until = float("-inf")
        self._writer = Writer(self._records, dropped, lambda: forget_all(self._records, now()), queue_rows, waiting)

    def remember(self, row: CallRow) -> None:
        """Keep a call, some 200 ms from now. Never waits, never raises; what cannot be kept is dropped and counted."""
        self._writer.add(row)

    def first_seen(self, client: str, digest: str, expires: datetime) -> bool | None:
        """Whether this token is shown for the first time: to any worker, on any node.

        digest:  sha256 of the token's id, hexadecimal; the id itself never gets here.
        expires: until when it could be shown again, leeway included.
        False is a replay; None says that it could not be told within 50 ms.
        """
        return self._tokens.first(client, digest, expires)

    def keep_feedback(self, client: str, service: str, items: Sequence[FeedbackItem], *, comments: bool) -> None:
        """Keep items; on the disk when this returns. An item that was kept before is not kept twice.

        comments: whether free text may be kept.
        Raises StoreUnavailable after 2 seconds at most; for a second after that, and where two others wait already,
        nearly at once, because a web thread that waits for a database answers no call. Some items may then have been
        kept all the same: sending them again is right in any case.
        """
        rows = feedback_values(client, service, items, self._now(), comments=comments)
        if time.monotonic() < self._rest_until or not self._posts.acquire(timeout=TURN_S):
            raise StoreUnavailable("feedback could not be kept: the database does not keep up")
        try:
            self._lane.run(lambda: self._insert(rows), FEEDBACK_S)
        except Exception as fault:
            self._rest_until = time.monotonic() + REST_S
            raise StoreUnavailable(f"feedback could not be kept: {why(fault)}") from None
        finally:
            self._posts.release()

    def _insert(self, rows: Sequence[dict[str, Any]]) -> None:
        # In small transactions: a long one would hold SQLite's one lock while others ask for their tokens.
        for first in range(0, len(rows), FEEDBACK_ROWS):
            some = rows[first : first + FEEDBACK_ROWS]
            self._feedback.run(lambda each, some=some: insert_new(each, FEEDBACK_TABLE, some))  # type: ignore[misc]

    def close(self) -> None:
        """Write what is queued, for 5 seconds at most, and let go of the database."""
        self._writer.close(CLOSE_S)
        self._lane.close()
        self._tokens.close()
        self._owed.close()
        self._feedback.close()
        self._records.close()
