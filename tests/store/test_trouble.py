"""Whatever happens to the database, calls go on, and records do so again when it is back, without a restart."""

import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.start_up import prepare
from cds_service.edges.store.store import Store, StoreUnavailable
from cds_service.edges.store.tables import CALL, FEEDBACK
from tests.http.small_release import call
from tests.store.sample import Losses, call_of, eventually, item_of, keep_at_last, rows_of, said, small_service


def remembered_fast(store: Store, numbers: range) -> None:
    """Remember calls, and see that none of them waits."""
    began = time.monotonic()
    for number in numbers:
        store.remember(call_of(number))
    assert time.monotonic() - began < 0.01 * len(numbers)


def keep(store: Store, card: str) -> None:
    store.keep_feedback("example", "oud-patient-view", [item_of(card=card)], comments=False)


def cards(address: Address) -> set[str]:
    return {each["card"] for each in rows_of(address, FEEDBACK)}


def calls(address: Address) -> int:
    return len(rows_of(address, CALL))


def test_a_lock_of_another_process_slows_no_call_and_loses_none(sqlite: Address, losses: Losses, caplog: Any) -> None:
    store = Store(sqlite, dropped=losses)
    other = sqlite3.connect(str(sqlite.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    remembered_fast(store, range(100))
    eventually(lambda: ("records-waiting", "database is locked") in said(caplog))
    remembered_fast(store, range(100, 200))
    other.close()
    eventually(lambda: calls(sqlite) == 200)
    store.close()
    assert losses.calls == 0


@pytest.mark.parametrize("keep_log", [True, False], ids=["file and log removed", "file alone removed"])
def test_a_removed_file_is_made_anew_and_nothing_is_written_to_the_old_one(
    sqlite: Address, losses: Losses, keep_log: bool
) -> None:
    assert sqlite.path is not None
    store = Store(sqlite, dropped=losses)
    keep(store, "before")
    store.remember(call_of(1))
    eventually(lambda: calls(sqlite) == 1)
    for each in [sqlite.path] if keep_log else list(sqlite.path.parent.iterdir()):
        each.unlink()
    keep(store, "after")
    store.remember(call_of(2))
    store.close()
    assert (cards(sqlite), calls(sqlite), losses.calls) == ({"after"}, 1, 0)
    assert oct(sqlite.path.stat().st_mode & 0o777) == "0o600"


def test_a_removed_folder_is_made_anew(sqlite: Address, losses: Losses) -> None:
    assert sqlite.path is not None
    store = Store(sqlite, dropped=losses)
    keep(store, "before")
    shutil.rmtree(sqlite.path.parent)
    keep(store, "after")
    store.close()
    assert cards(sqlite) == {"after"}


def test_a_replaced_file_is_the_one_written_to(sqlite: Address, tmp_path: Path, losses: Losses) -> None:
    assert sqlite.path is not None
    store = Store(sqlite, dropped=losses)
    keep(store, "before")
    fresh = read_address(f"sqlite:///{tmp_path}/fresh.db")
    upgrade(fresh)
    for each in sqlite.path.parent.glob("*-*"):
        each.unlink()
    os.replace(fresh.path or "", sqlite.path)
    keep(store, "after")
    store.remember(call_of())
    store.close()
    assert (cards(sqlite), calls(sqlite)) == ({"after"}, 1)


def test_a_corrupt_file_is_told_and_its_successor_taken(sqlite: Address, losses: Losses, caplog: Any) -> None:
    assert sqlite.path is not None
    for each in sqlite.path.parent.iterdir():
        each.unlink()
    sqlite.path.write_bytes(b"no database " * 1000)
    store = Store(sqlite, dropped=losses)
    remembered_fast(store, range(10))
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        keep(store, "a")
    assert store.first_seen("a", "1", call_of().at) is None
    eventually(lambda: ("records-waiting", "file is not a database") in said(caplog))
    sqlite.path.unlink()
    keep_at_last(store, item_of(card="a"))
    eventually(lambda: ("records-written-again", "") in said(caplog))
    store.close()
    assert (cards(sqlite), calls(sqlite), losses.calls) == ({"a"}, 10, 0)


@pytest.mark.parametrize("statement", ["PRAGMA query_only = ON", "PRAGMA max_page_count = 1"])
def test_a_file_that_takes_no_row_is_told(
    sqlite: Address, losses: Losses, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a read-only file system and a full disk do cannot be had without rights over the machine; SQLite refuses
    # with the same errors when it is told to.
    from sqlalchemy import event

    store = Store(sqlite, dropped=losses)
    engine = store._feedback._engine
    event.listen(engine, "connect", lambda connection, _: connection.execute(statement))
    big = [item_of(card=f"{number}" + "x" * 200) for number in range(500)]
    with pytest.raises(StoreUnavailable, match=r"readonly|read-only|write a readonly|is full"):
        store.keep_feedback("example", "oud-patient-view", big, comments=False)
    assert cards(sqlite) == set()
    store.close()


def test_postgresql_stopped_and_started_again(postgresql: Any, postgresql_url: str, losses: Losses) -> None:
    address = read_address(postgresql_url)
    upgrade(address)
    store = Store(address, dropped=losses)
    keep(store, "before")
    assert store.first_seen("a", "1", call_of().at) is True
    postgresql.stop()
    try:
        remembered_fast(store, range(100))
        with pytest.raises(StoreUnavailable) as told:
            keep(store, "during")
        assert "connection" in str(told.value)
        assert store.first_seen("a", "2", call_of().at) is None
    finally:
        postgresql.ensure_postgres_running()
    keep_at_last(store, item_of(card="after"))
    eventually(lambda: calls(address) == 100)
    store.close()
    assert (cards(address), losses.calls) == ({"before", "after"}, 0)


def test_a_postgresql_database_that_is_upgraded_late_is_used_without_a_restart(
    postgresql_url: str, losses: Losses
) -> None:
    address = read_address(postgresql_url)
    store = Store(address, dropped=losses)
    store.remember(call_of())
    with pytest.raises(StoreUnavailable, match="UndefinedTable"):
        keep(store, "early")
    upgrade(address)
    keep_at_last(store, item_of(card="late"))
    eventually(lambda: calls(address) == 1)
    store.close()
    assert (cards(address), losses.calls) == ({"late"}, 0)


def test_a_worker_that_ends_without_a_database_ends_in_time_and_counts(tmp_path: Path, losses: Losses) -> None:
    (tmp_path / "file").write_text("")
    store = Store(read_address(f"sqlite:///{tmp_path}/file/records.db"), dropped=losses)
    remembered_fast(store, range(7))
    began = time.monotonic()
    store._writer.close(0.5)
    store.close()
    assert time.monotonic() - began < 3
    assert losses.calls == 7


def test_calls_are_answered_without_a_database(tmp_path: Path, losses: Losses) -> None:
    (tmp_path / "file").write_text("")
    nowhere = read_address(f"sqlite:///{tmp_path}/file/records.db")
    assert prepare(nowhere).startswith("warning: records cannot be kept now")
    store = Store(nowhere, dropped=losses)
    client = small_service(store)
    answers = [client.post("/cds-services/oud-patient-view", json=call()) for _ in range(3)]
    assert [(each.status_code, len(each.json["cards"])) for each in answers] == [(200, 1)] * 3
    (tmp_path / "file").unlink()
    store.close()
    assert (calls(nowhere), losses.calls) == (3, 0)
