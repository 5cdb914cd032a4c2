"""A SQLite file is shared by processes: one that closes it must see that others have it open.

It did not once: a worker lost its locks when a second connection of its own was opened, another process that closed
the file took itself for the last, and what the worker wrote from then on went to a log that was deleted.
"""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.source import FEEDBACK as DURABLE
from cds_service.edges.store.source import open_engine
from cds_service.edges.store.store import Store, StoreUnavailable
from cds_service.edges.store.tables import FEEDBACK
from tests.store.sample import Losses, item_of, keep_at_last, rows_of

COUNT = "c = sqlite3.connect(sys.argv[1]); print(c.execute('select count(*) from feedback').fetchone()[0]); c.close()"
LOCK = "c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()"


def process(code: str, path: Path) -> "subprocess.Popen[str]":
    """Another process with the database open; it ends when its standard input does."""
    command = [sys.executable, "-c", f"import sqlite3, sys\n{code}", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def keep(store: Store, card: str) -> None:
    store.keep_feedback("example", "oud-patient-view", [item_of(card=card)], comments=False)


def test_another_process_that_closes_the_file_takes_nothing_along(sqlite: Address, losses: Losses) -> None:
    assert sqlite.path is not None
    store = Store(sqlite, dropped=losses)
    for number in (1, 2, 3):
        keep(store, str(number))
        counted, _ = process(COUNT, sqlite.path).communicate(timeout=20)
        assert int(counted) == number
    store.close()
    assert {each["card"] for each in rows_of(sqlite, FEEDBACK)} == {"1", "2", "3"}


def test_a_lock_of_another_process_holds(sqlite: Address, losses: Losses) -> None:
    assert sqlite.path is not None
    store = Store(sqlite, dropped=losses)
    keep(store, "before")
    other = process(LOCK, sqlite.path)
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(StoreUnavailable):
        keep(store, "meanwhile")
    other.communicate(timeout=20)
    keep_at_last(store, item_of(card="after"))
    store.close()
    assert {each["card"] for each in rows_of(sqlite, FEEDBACK)} >= {"before", "after"}


def test_many_that_make_the_file_at_once_share_one(tmp_path: Path) -> None:
    address = read_address(f"sqlite:///{tmp_path}/new/a.db")
    together = threading.Barrier(8)
    seen: list[int] = []

    def connect() -> None:
        engine = open_engine(address, DURABLE)
        together.wait(timeout=10)
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (a)")
        assert address.path is not None
        seen.append(address.path.stat().st_ino)
        engine.dispose()

    threads = [threading.Thread(target=connect) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert sorted(path.name for path in (tmp_path / "new").iterdir() if not path.name.startswith("a.db")) == []
    assert (tmp_path / "new" / "a.db").stat().st_mode & 0o777 == 0o600
