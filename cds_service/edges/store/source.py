"""Connections: a database opened for one purpose, with the time limits and the durability that the purpose wants."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import NullPool

from cds_service.edges.store.address import Address
from cds_service.edges.store.faults import is_missing_table

T = TypeVar("T")
CONNECT_S = 2  # the least that libpq takes


@dataclass(frozen=True, slots=True)
class Purpose:
    """What connections are for.

    wait_ms:     the longest that a statement waits for a lock, and on PostgreSQL for its end.
    durable:     a commit is on the disk when it returns: SQLite synchronous=FULL, PostgreSQL synchronous_commit=on.
    connections: how many at most; 0 keeps none open between uses.
    read_only:   nothing can be written, and a SQLite file that is not there is not made.
    """

    wait_ms: int
    durable: bool
    connections: int
    read_only: bool = False


RECORDS = Purpose(wait_ms=1000, durable=False, connections=1)
FEEDBACK = Purpose(wait_ms=1800, durable=True, connections=2)
TOKENS = Purpose(wait_ms=40, durable=False, connections=2)
OWED = Purpose(wait_ms=1000, durable=False, connections=0)  # tokens that could not be told in time
OPERATOR = Purpose(wait_ms=30_000, durable=True, connections=0)  # db upgrade, db purge
REPORT = Purpose(wait_ms=120_000, durable=False, connections=0, read_only=True)
START_UP = Purpose(wait_ms=5_000, durable=True, connections=0)


def open_engine(address: Address, purpose: Purpose) -> Engine:
    """Give an engine; nothing is connected yet."""
    pool: dict[str, Any] = {"poolclass": NullPool}
    if purpose.connections:
        # Whoever takes a connection is timed already, so waiting for one needs no second limit worth tuning.
        pool = {"pool_size": purpose.connections, "max_overflow": 0, "pool_timeout": purpose.wait_ms / 1000}
    if address.path is None:
        engine = create_engine(address.url, connect_args=_libpq(address), pool_pre_ping=True, **pool)
        event.listen(engine, "connect", _postgresql_settings(purpose))
        return engine
    if purpose.read_only:
        there = address.url.set(database=f"file:{quote(str(address.path))}", query={"mode": "ro", "uri": "true"})
        return create_engine(there, connect_args={"timeout": purpose.wait_ms / 1000}, **pool)
    engine = create_engine(address.url, connect_args={"timeout": purpose.wait_ms / 1000}, **pool)
    _watch_file(engine, str(address.path))
    event.listen(engine, "connect", _sqlite_settings(purpose))
    return engine


def _libpq(address: Address) -> dict[str, Any]:
    """What is asked of libpq unless the URL says otherwise: to notice soon that the other side is gone."""
    wanted = {
        "connect_timeout": CONNECT_S,
        "application_name": "cds-service",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    return {name: value for name, value in wanted.items() if name not in address.url.query}


def _postgresql_settings(purpose: Purpose) -> Callable[[Any, Any], None]:
    def settle(connection: Any, _: Any) -> None:
        connection.autocommit = True  # a SET inside a transaction would end with it
        connection.execute(
            f"SET statement_timeout = {purpose.wait_ms}; SET lock_timeout = {purpose.wait_ms}; "
            "SET idle_in_transaction_session_timeout = 10000; SET TimeZone = 'UTC'"
            + ("; SET synchronous_commit = on" if purpose.durable else "")
            + ("; SET default_transaction_read_only = on" if purpose.read_only else "")
        )
        connection.autocommit = False

    return settle


def _sqlite_settings(purpose: Purpose) -> Callable[[Any, Any], None]:
    def settle(connection: sqlite3.Connection, _: Any) -> None:
        # A file that is locked, read-only or no database says so at its first use, where the fault is dealt with.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if purpose.durable else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten, not only forgotten

    return settle


def _watch_file(engine: Engine, path: str) -> None:
    """Make the file, for its owner only, and never write to one that was removed or replaced.

    An open connection to a removed file works on: what is written there is gone with it.
    """

    def make(*_: Any) -> None:
        if not os.path.exists(path):
            _make_file(path)

    def note(_: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    def check(_: Any, record: Any, __: Any) -> None:
        if record.info["file"] != _identity(path):
            raise DisconnectionError("the database file was replaced")  # the pool then opens a new connection

    event.listen(engine, "do_connect", make)
    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", check)


def _make_file(path: str) -> None:
    """Make an empty file for its owner only, without ever opening it by its own name.

    Whoever closes a file gives up all locks that his process holds on it, those of another connection included; the
    next process to close the database would then take itself for the last and delete the log under that connection.
    Source: https://www.sqlite.org/howtocorrupt.html, section 2.2
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, blank = tempfile.mkstemp(prefix=".new-", dir=folder)
    os.close(handle)
    try:
        with contextlib.suppress(FileExistsError):  # another was quicker
            os.link(blank, path)
    finally:
        os.unlink(blank)
    _sync_folder(folder)  # else a power loss could take the name of a file whose rows are on the disk


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Source:
    """A database for one purpose; a class because it holds connections.

    mend: makes the missing tables of a SQLite file that was removed or replaced while the service runs.
    """

    def __init__(self, address: Address, purpose: Purpose, mend: Callable[[Address], object]) -> None:
        self._address = address
        self._mend = mend
        self._engine = open_engine(address, purpose)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and give what it gives; committed when this returns."""
        try:
            return self._once(work)
        except DBAPIError as fault:
            if self._address.path is None or not is_missing_table(fault):
                raise
        self._mend(self._address)
        return self._once(work)

    def _once(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except DBAPIError:
            if self._address.path is not None:
                self._engine.dispose()  # the file may be mended before the next try; opening it costs little
            raise

    def close(self) -> None:
        self._engine.dispose()
