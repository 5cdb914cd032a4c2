"""Connections: a database opened for one purpose, with the time limits and the durability that the purpose wants."""

import contextlib
import os
import select
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote

from sqlalchemy import ClauseElement, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.compiler import SQLCompiler

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
    each_alone:  every statement is a transaction by itself: for `Source.change`.
    """

    wait_ms: int
    durable: bool
    connections: int
    read_only: bool = False
    each_alone: bool = False


RECORDS = Purpose(wait_ms=1000, durable=False, connections=1)
FEEDBACK = Purpose(wait_ms=1800, durable=True, connections=2)
TOKENS = Purpose(wait_ms=40, durable=False, connections=2, each_alone=True)
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
    if purpose.each_alone:
        pool["pool_reset_on_return"] = None  # nothing is ever open that could be rolled back
    if address.path is None:
        engine = create_engine(address.url, connect_args=_libpq(address), pool_pre_ping=not purpose.each_alone, **pool)
        event.listen(engine, "connect", _postgresql_settings(purpose))
        if purpose.each_alone:
            event.listen(engine, "checkout", _refuse_ended)
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
        connection.autocommit = purpose.each_alone

    return settle


def _refuse_ended(connection: Any, _: Any, __: Any) -> None:
    """Have a connection that the server ended replaced by a new one.

    Nothing is ever to be read on an idle connection but word that it ended, so this need not ask the server, as
    SQLAlchemy's `pool_pre_ping` does for the price of another statement.
    """
    if connection.closed or _has_word(connection.fileno()):
        raise DisconnectionError("the connection was ended")


def _has_word(descriptor: int) -> bool:
    poller = select.poll()  # select() takes no descriptor above 1023, and a worker with many clients has such
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def _sqlite_settings(purpose: Purpose) -> Callable[[Any, Any], None]:
    def settle(connection: sqlite3.Connection, _: Any) -> None:
        # A file that is locked, read-only or no database says so at its first use, where the fault is dealt with.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if purpose.durable else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten, not only forgotten
        if purpose.each_alone:
            connection.isolation_level = None

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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement as a driver takes it: written once by SQLAlchemy, which then has no part in its use.

    text:  with the driver's own marks where values stand.
    given: makes of the values by name what the driver takes with it.
    """

    text: str
    given: Callable[[Mapping[str, Any]], Any]


def prepare(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Write a statement for a driver. Its values are all bound by `bindparam`, each by its name."""
    compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
    kinds = {name: each.type.dialect_impl(dialect).bind_processor(dialect) for name, each in compiled.binds.items()}

    def as_kept(name: str, value: Any) -> Any:
        kept = kinds[name]
        return kept(value) if kept else value

    if compiled.positiontup is None:
        return Prepared(compiled.string, lambda values: {name: as_kept(name, value) for name, value in values.items()})
    order = tuple(compiled.positiontup)
    return Prepared(compiled.string, lambda values: tuple(as_kept(name, values[name]) for name in order))


class Source:
    """A database for one purpose; a class because it holds connections.

    mend: makes the missing tables of a SQLite file that was removed or replaced while the service runs.
    """

    def __init__(self, address: Address, purpose: Purpose, mend: Callable[[Address], object]) -> None:
        self._address = address
        self._mend = mend
        self._engine = open_engine(address, purpose)

    @property
    def dialect(self) -> Dialect:
        """SQLite's or PostgreSQL's."""
        return self._engine.dialect

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and give what it gives; committed when this returns."""
        return self._mended(lambda: self._once(work))

    def change(self, statement: Prepared, **values: Any) -> int:
        """Run one statement that changes rows, and say how many it changed; committed when this returns.

        For what a call waits for: one round trip, and a quarter of the processor time of `run` with the same
        statement. To be had of a purpose with `each_alone`.
        """
        given = statement.given(values)
        return self._mended(lambda: self._changed(statement.text, given))

    def _mended(self, once: Callable[[], T]) -> T:
        try:
            return once()
        except (DBAPIError, sqlite3.Error) as fault:
            if self._address.path is None or not is_missing_table(fault):
                raise
        self._mend(self._address)
        return once()

    def _once(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except DBAPIError:
            self._reopen()
            raise

    def _changed(self, statement: str, given: Any) -> int:
        try:
            connection = self._engine.raw_connection()
        except DBAPIError:
            self._reopen()
            raise
        try:
            cursor = connection.cursor()
            cursor.execute(statement, given)
            found = cursor.rowcount
            cursor.close()
        except BaseException:
            connection.invalidate()
            self._reopen()
            raise
        connection.close()  # it goes back to the pool
        return found

    def _reopen(self) -> None:
        if self._address.path is not None:
            self._engine.dispose()  # the file may be mended before the next try; opening it costs little

    def close(self) -> None:
        self._engine.dispose()
