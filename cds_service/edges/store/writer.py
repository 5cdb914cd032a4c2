"""The writer: rows of calls are queued in no time and written in batches by one thread.

A call is never slowed or failed by its record. What cannot be kept is dropped and counted: when the queue is full
because the database has been away for long, when the worker ends before it is back, or when a row cannot be stored.
"""

import contextlib
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from cds_service.edges.store.faults import is_of_the_row, why
from cds_service.edges.store.rows import call_values, decision_values
from cds_service.edges.store.source import Source
from cds_service.edges.store.tables import CALL, RULE_DECISION, inserting
from cds_service.records import CallRow

QUEUE_ROWS = 10_000  # of one worker; 1 to 3 kB each
BATCH_ROWS = 500
GATHER_S = 0.1  # rows of a batch are gathered for so long after the first, so none waits longer than 200 ms
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # between tries while the database is away
TIDY_S = 60.0

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Entry:
    """One call as it is written. Its id is given once, so that a batch may be sent twice.

    queued: when it was queued, by the monotonic clock.
    """

    call: dict[str, Any]
    decisions: list[dict[str, Any]]
    queued: float = 0.0


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    if rows:
        connection.execute(inserting(connection.dialect)(table).on_conflict_do_nothing(), rows)


def write(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write calls and their decisions."""
    insert_new(connection, CALL, [each.call for each in entries])
    insert_new(connection, RULE_DECISION, [row for each in entries for row in each.decisions])


def entry_of(row: CallRow, queued: float = 0.0) -> Entry:
    """Give a call its id and its values."""
    call_id = uuid.uuid4().hex
    return Entry(call_values(row, call_id), decision_values(row, call_id), queued)


class Writer:
    """A queue and the thread that empties it; a class because it holds both.

    dropped: told how many calls were lost. tidy: done now and then between batches.
    waiting: told after each try how many calls are still to be written, and the age of the oldest in seconds.
    """

    def __init__(
        self,
        source: Source,
        dropped: Callable[[str, int], None],
        tidy: Callable[[], None],
        limit: int = QUEUE_ROWS,
        waiting: Callable[[int, float], None] = lambda count, oldest_s: None,
    ) -> None:
        self._source = source
        self._dropped = dropped
        self._tidy = tidy
        self._limit = limit
        self._waiting = waiting
        self._queue: deque[tuple[CallRow, float]] = deque()  # with the moment each was queued
        self._hand: list[Entry] = []  # taken from the queue, not written yet
        self._there = threading.Event()  # rows are waiting
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._overflowed = 0  # calls dropped since the queue was last full
        self._thread = self._start()

    def add(self, row: CallRow) -> None:
        """Queue a row. Takes no lock in the ordinary case, does not wait and does not raise."""
        # Threads may pass this test together, so the queue may hold a row more for each of them.
        if self._closing.is_set() or len(self._queue) >= self._limit:
            self._overflow()
            return
        self._queue.append((row, time.monotonic()))
        if not self._there.is_set():
            self._there.set()
        if not self._thread.is_alive():
            self._revive()

    def close(self, within_s: float) -> None:
        """Write what is queued, for `within_s` at most; the rest is lost and counted. A second close does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._there.set()
        self._thread.join(within_s)
        # A batch that hangs in the database may still be written: counted as lost rather than passed over.
        left = len(self._hand) + len(self._queue)
        if left:
            _log.error("records-lost", extra={"count": left, "why": "the worker ended first"})
            self._lose(left)

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="records", daemon=True)
        thread.start()
        return thread

    def _revive(self) -> None:
        with self._lock:
            if not self._thread.is_alive() and not self._closing.is_set():
                _log.error("records-writer-renewed")
                with contextlib.suppress(RuntimeError):  # no thread can be had now; the next call asks again
                    self._thread = self._start()

    def _overflow(self) -> None:
        with self._lock:
            self._overflowed += 1
            first = self._overflowed == 1
        if first:
            _log.error("records-queue-full")
        self._lose(1)

    def _lose(self, count: int) -> None:
        try:
            self._dropped("calls", count)
        except Exception as fault:  # counting must fail no call
            _log.error("records-loss-not-counted", extra={"error": type(fault).__name__})

    def _work(self) -> None:
        tidied = time.monotonic()
        while True:
            there = self._there.wait(TIDY_S)
            if there:
                self._closing.wait(GATHER_S)
                self._there.clear()
                while self._queue or self._hand:
                    self._next_batch()
            if self._closing.is_set():
                return
            if time.monotonic() - tidied >= TIDY_S:
                self._tidy()
                tidied = time.monotonic()

    def _next_batch(self) -> None:
        while self._queue and len(self._hand) < BATCH_ROWS:
            try:
                self._hand.append(entry_of(*self._queue.popleft()))
            except Exception as fault:
                self._cannot_keep(fault, 1)
        pause = FIRST_PAUSE_S
        while self._hand and not self._tried():
            # At the end of the worker it is tried on and on; close() says for how long.
            time.sleep(FIRST_PAUSE_S) if self._closing.is_set() else self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _tried(self) -> bool:
        done = self._try()
        self._tell_waiting()
        return done

    def _tell_waiting(self) -> None:
        oldest = self._hand[0].queued if self._hand else self._queue[0][1] if self._queue else None
        try:
            self._waiting(len(self._hand) + len(self._queue), 0.0 if oldest is None else time.monotonic() - oldest)
        except Exception as fault:  # showing must keep no record from being written
            _log.error("records-waiting-not-shown", extra={"error": type(fault).__name__})

    def _try(self) -> bool:
        """Write what is in hand; False if the database did not take it and may do so later."""
        try:
            self._source.run(lambda connection: write(connection, self._hand))
        except Exception as fault:
            if is_of_the_row(fault):
                self._one_by_one()
                return True
            if self._away_since is None:
                self._away_since = time.monotonic()
                _log.error("records-waiting", extra={"why": why(fault)})
            return False
        self._hand = []
        if self._away_since is not None:
            _log.warning("records-written-again", extra={"seconds": round(time.monotonic() - self._away_since, 1)})
            self._away_since = None
        if self._overflowed:
            with self._lock:
                dropped, self._overflowed = self._overflowed, 0
            _log.error("records-lost", extra={"count": dropped, "why": "the queue was full"})
        return True

    def _one_by_one(self) -> None:
        """Write the rows in hand each on its own and drop those that cannot be kept."""
        entries, self._hand = self._hand, []
        for place, each in enumerate(entries):
            try:
                self._source.run(lambda connection, each=each: write(connection, [each]))  # type: ignore[misc]
            except Exception as fault:
                if not is_of_the_row(fault):
                    self._hand = entries[place:]  # the database went away meanwhile
                    return
                self._cannot_keep(fault, 1)

    def _cannot_keep(self, fault: Exception, count: int) -> None:
        _log.error("record-not-kept", extra={"why": why(fault)})
        self._lose(count)
