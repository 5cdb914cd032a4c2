"""Tokens that were shown: the first time anywhere, or again? Told within 50 ms, or not at all."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, delete, select, tuple_

from cds_service.edges.store.faults import why
from cds_service.edges.store.lane import Lane
from cds_service.edges.store.source import TOKENS, Source, prepare
from cds_service.edges.store.tables import SEEN_TOKEN, inserting

LIMIT_S = 0.05
CONNECT_S = 1.0  # a worker that starts waits so long for the database, at most
# After a failure nobody is asked for a while: calls must not each wait for what is away. The while doubles with each
# failure in a row, because a table that is locked for a moment is no database that is gone.
FIRST_REST_S, REST_S = 0.2, 5.0
MOST_OWED = 10_000  # tokens that were taken unasked and are still to be written
OWED_CHUNK = 200
CHUNK, CHUNKS = 1000, 20  # ended tokens are deleted in small steps, because they are few and others want the lock

_log = logging.getLogger("cds_service")


def taking(dialect: Dialect) -> Any:
    """Give the statement that takes a token's place: of `client`, `digest`, `expires` and `now`.

    It changes one row if the place was free. That of a token whose time is over is free again, purged or not.
    """
    columns = SEEN_TOKEN.c
    new = inserting(dialect)(SEEN_TOKEN).values(
        client=bindparam("client"),
        jti_sha256=bindparam("digest"),
        expires=bindparam("expires", type_=columns.expires.type),
    )
    return new.on_conflict_do_update(
        index_elements=[columns.client, columns.jti_sha256],
        set_={"expires": new.excluded.expires},
        where=columns.expires < bindparam("now", type_=columns.expires.type),
    )


def forget(connection: Connection, now: datetime, chunk: int = CHUNK) -> int:
    """Delete up to `chunk` tokens whose time is over, and say how many."""
    key = tuple_(SEEN_TOKEN.c.client, SEEN_TOKEN.c.jti_sha256)
    over = select(SEEN_TOKEN.c.client, SEEN_TOKEN.c.jti_sha256).where(SEEN_TOKEN.c.expires < now).limit(chunk)
    return connection.execute(delete(SEEN_TOKEN).where(key.in_(over))).rowcount


def forget_all(source: Source, now: datetime) -> None:
    """Delete tokens whose time is over, as many as a worker should at a time. What fails is tried again later."""
    try:
        for _ in range(CHUNKS):
            if source.run(lambda connection: forget(connection, now)) < CHUNK:
                return
    except Exception as fault:
        _log.warning("tokens-not-deleted", extra={"why": why(fault)})


class SeenTokens:
    """A class because it holds connections, threads and the moment until which the database is let be.

    slow: the same database with more patience, for what nobody waits for.
    """

    def __init__(
        self,
        source: Source,
        now: Callable[[], datetime],
        slow: Source,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._source = source
        self._taking = prepare(taking(source.dialect), source.dialect)
        self._slow = slow
        self._now = now
        self._monotonic = monotonic
        self._limit_s = limit_s
        self._rest_until = float("-inf")
        self._rest_s = FIRST_REST_S
        self._owed: deque[tuple[str, str, datetime]] = deque(maxlen=MOST_OWED)
        self._paying = threading.Lock()
        self._closed = threading.Event()
        self._lane = Lane("tokens", TOKENS.connections)
        self._connect()

    def first(self, client: str, digest: str, expires: datetime) -> bool | None:
        """True the first time anywhere, False a replay, None when it could not be told in time.

        A token that could not be asked for is written as soon as that can be, so that it is a replay from then on.
        """
        if self._monotonic() < self._rest_until:
            self._owe(client, digest, expires)
            return None
        try:
            told = self._lane.run(lambda: self._take(client, digest, expires), self._limit_s)
        except Exception as fault:
            rest_s, self._rest_s = self._rest_s, min(2 * self._rest_s, REST_S)
            self._rest_until = self._monotonic() + rest_s
            _log.warning("tokens-not-compared", extra={"seconds": rest_s, "why": why(fault)})
            self._owe(client, digest, expires)
            return None
        self._rest_s = FIRST_REST_S
        return told

    def _owe(self, client: str, digest: str, expires: datetime) -> None:
        """Have a token written later, by a thread that lives until none is owed."""
        self._owed.append((client, digest, expires))
        self._begin_to_pay()

    def _pay(self) -> None:
        pause = FIRST_REST_S
        while self._owed and not self._closed.wait(pause):
            some = [self._owed.popleft() for _ in range(min(OWED_CHUNK, len(self._owed)))]
            try:
                self._write(some)
            except Exception:  # it is logged where tokens are asked for; these are tried again
                self._owed.extendleft(reversed(some))
                pause = min(2 * pause, REST_S)
            else:
                pause = FIRST_REST_S
        self._paying.release()
        if self._owed and not self._closed.is_set():  # owed between the last look and the release
            self._begin_to_pay()

    def _begin_to_pay(self) -> None:
        if self._paying.acquire(blocking=False):
            threading.Thread(target=self._pay, name="tokens-owed", daemon=True).start()

    def _take(self, client: str, digest: str, expires: datetime) -> bool:
        # If it comes too late to be heard, the token is taken all the same: it is owed then, which ends the same way.
        return self._source.change(self._taking, client=client, digest=digest, expires=expires, now=self._now()) == 1

    def _write(self, some: Sequence[tuple[str, str, datetime]]) -> None:
        now = self._now()
        rows = [{"client": client, "digest": digest, "expires": ends, "now": now} for client, digest, ends in some]
        self._slow.run(lambda connection: connection.execute(taking(connection.dialect), rows))

    def _connect(self) -> None:
        """Connect before the first call: that alone may take longer than a call is given."""
        connecting = [
            self._lane.begin(lambda: self._source.run(lambda connection: None)) for _ in range(TOKENS.connections)
        ]
        wait(connecting, CONNECT_S)

    def close(self) -> None:
        """Write what is owed, once, and let go of the database."""
        self._closed.set()
        if self._owed:
            some = list(self._owed)
            with contextlib.suppress(Exception):  # the worker ends; what is not written could be shown once more
                self._write(some)
        self._lane.close()
        self._source.close()
