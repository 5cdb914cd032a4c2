"""Deleting what is older than the retention, in steps small enough that the service writes on between them."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Engine, Table, delete, func, select, tuple_

from cds_service.edges.store.tables import AGES_BY, SEEN_TOKEN

CHUNK_ROWS = 5_000
PAUSE_S = 0.02  # whoever waits for SQLite's one lock must find it free now and then


def old_rows(connection: Connection, before: datetime, now: datetime) -> dict[str, int]:
    """How many rows of each table `purge` would delete; one of exactly that moment is not old."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table).where(age < limit)).scalar_one()
        for table, age, limit in _limits(before, now)
    }


def _limits(before: datetime, now: datetime) -> list[tuple[Table, ColumnElement[Any], datetime]]:
    """By which column each table ages, and from when on a row stays. Decisions go before their calls."""
    return [*((table, age, before) for table, age in AGES_BY.items()), (SEEN_TOKEN, SEEN_TOKEN.c.expires, now)]


def purge(
    engine: Engine,
    before: datetime,
    now: datetime,
    *,
    chunk: int = CHUNK_ROWS,
    after_chunk: Callable[[str, int], None] = lambda table, rows: time.sleep(PAUSE_S),
) -> dict[str, int]:
    """Delete rows older than `before`, and tokens whose time is over at `now`; give how many of each table.

    Each chunk is a transaction of its own, so what was deleted before an interruption stays deleted.
    """
    deleted = {}
    for table, age, limit in _limits(before, now):
        deleted[table.name] = 0
        while True:
            with engine.begin() as connection:
                rows = connection.execute(_delete_some(table, age < limit, chunk)).rowcount
            deleted[table.name] += rows
            after_chunk(table.name, rows)
            if rows < chunk:
                break
    if engine.dialect.name == "sqlite":  # what was deleted stands in the log until it is folded into the file
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def _delete_some(table: Table, old: ColumnElement[bool], chunk: int) -> Delete:
    key = list(table.primary_key.columns)
    return delete(table).where(tuple_(*key).in_(select(*key).where(old).limit(chunk)))
