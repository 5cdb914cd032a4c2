"""The schema: what migrations make is what the code reads; newer, older and concurrent upgrades."""

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from cds_service.config import SettingProblem, Settings
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.faults import SchemaProblem, StoreUnavailable
from cds_service.edges.store.schema import look, upgrade
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.start_up import NEWEST, is_current, prepare
from cds_service.edges.store.store import Store
from cds_service.edges.store.tables import CALL, METADATA
from cds_service.wiring import prepare_records
from tests.store.sample import Losses, call_of, rows_of


def run(address: Address, statement: str) -> None:
    engine = open_engine(address, OPERATOR)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_reads(address: Address) -> None:
    engine = open_engine(address, OPERATOR)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_index_of_cards_holds_rows_with_a_card_alone(address: Address) -> None:
    """Most rows have none. The migration says so, and `tables` not: there its words would load PostgreSQL's dialect."""
    engine = open_engine(address, OPERATOR)
    asked = "SELECT sql FROM sqlite_master WHERE name = :name"
    if address.path is None:
        asked = "SELECT indexdef FROM pg_indexes WHERE indexname = :name AND schemaname = current_schema()"
    with engine.connect() as connection:
        made = connection.execute(text(asked), {"name": "rule_decision_card"}).scalar_one()
    engine.dispose()
    assert "card_uuid IS NOT NULL" in made.partition(" WHERE ")[2]


def test_an_upgrade_is_told_as_it_was_found_and_done_once(url: str) -> None:
    address = read_address(url)
    assert look(address).found is None
    assert [upgrade(address).found for _ in range(2)] == [None, "0002"]
    assert look(address).current


def test_the_schema_that_is_current_at_a_glance_is_the_newest(address: Address) -> None:
    assert look(address).wanted == NEWEST
    assert is_current(address)
    run(address, "UPDATE alembic_version SET version_num = '0001'")
    assert not is_current(address)


def test_looking_makes_no_file(sqlite_url: str, tmp_path: Path) -> None:
    look(read_address(sqlite_url))
    assert list(tmp_path.iterdir()) == []


def test_several_upgrades_at_once_are_one(url: str) -> None:
    address = read_address(url)
    barrier, found, faults = threading.Barrier(4), [], []

    def work() -> None:
        barrier.wait(10)
        try:
            found.append(upgrade(address).found)
        except Exception as fault:
            faults.append(repr(fault))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert faults == []
    assert sorted(each or "" for each in found) == ["", "0002", "0002", "0002"]


def test_a_newer_schema_is_refused_and_left_alone(address: Address) -> None:
    run(address, "UPDATE alembic_version SET version_num = '0999'")
    for attempt in (upgrade, prepare):
        with pytest.raises(SchemaProblem, match=r"revision 0999, which this version does not know; .* is 0002\n"):
            attempt(address)
    assert look(address).found == "0999"


def test_a_postgresql_database_without_a_schema_is_refused_at_start_up(postgresql_url: str) -> None:
    with pytest.raises(SchemaProblem) as told:
        prepare(read_address(postgresql_url))
    assert "its schema is not there yet, this version wants revision 0002" in str(told.value)
    assert "cds-service db upgrade" in str(told.value)


def test_an_older_schema_is_refused_on_postgresql_and_upgraded_on_sqlite(address: Address) -> None:
    if address.path is None:
        run(address, "DELETE FROM alembic_version")
        with pytest.raises(SchemaProblem, match="run cds-service db upgrade"):
            prepare(address)
        return
    address.path.unlink()
    assert (prepare(address), look(address).current) == ("", True)


def test_a_sqlite_file_is_made_for_its_owner_only(sqlite_url: str) -> None:
    address = read_address(sqlite_url)
    assert prepare_records(Settings(database_url=sqlite_url)) == ""
    assert address.path is not None
    store = Store(address, dropped=Losses())
    store.remember(call_of())
    files = list(address.path.parent.iterdir())
    assert {oct(each.stat().st_mode & 0o777) for each in files} == {"0o600"}
    store.close()
    assert len(rows_of(address, CALL)) == 1


def test_no_database_is_nothing_to_prepare() -> None:
    assert prepare_records(Settings(database_url=None)) == ""


def unusable(tmp_path: Path) -> dict[str, str]:
    """URLs of databases that cannot be used, by what is wrong."""
    (tmp_path / "file").write_text("")
    (tmp_path / "corrupt.db").write_bytes(b"no database " * 1000)
    return {
        "no folder": f"sqlite:///{tmp_path}/file/records.db",
        "corrupt": f"sqlite:///{tmp_path}/corrupt.db",
        "nobody listens": "postgresql://name:SENTINEL@127.0.0.1:1/records",
        "no such socket": f"postgresql://name:SENTINEL@/records?host={tmp_path}",
    }


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no folder", "File exists"),
        ("corrupt", "file is not a database"),
        ("nobody listens", "Connection refused"),
        ("no such socket", "No such file or directory"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_warning_that_says_why(tmp_path: Path, kind: str, reason: str) -> None:
    warning = prepare(read_address(unusable(tmp_path)[kind]))
    assert warning.startswith("warning: records cannot be kept now: ")
    assert reason in warning
    assert "SENTINEL" not in warning


def test_a_database_that_another_process_holds_is_told(sqlite: Address) -> None:
    from cds_service.edges.store.source import Purpose

    other = sqlite3.connect(str(sqlite.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"):
        upgrade(sqlite, Purpose(wait_ms=50, durable=True, connections=0))
    other.close()


# --- the URL --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("sqlite://", "in memory cannot be used"),
        ("sqlite:///", "in memory cannot be used"),
        ("sqlite:///:memory:", "in memory cannot be used"),
        ("sqlite:///file:x?mode=memory&uri=true", "takes no parameters"),
        ("sqlite:///file:x", "in memory cannot be used"),
        ("sqlite:///a.db?timeout=5", "takes no parameters"),
        ("sqlite://var/a.db", "three slashes"),
        ("sqlite:////tmp", "is a folder"),
        ("postgresql://name:SENTINEL@host:port/a", "cannot be read as a URL"),
        ("postgresql://name:x@SENTINEL@host/a", "cannot be read as a URL"),
        ("postgresql://name:SENTINEL@host/a@b", "cannot be read as a URL"),
        ("postgresql://name@host/a?password=SENTINEL", "the password stands before the host"),
        ("postgresql://name:SENTINEL@host/a?sslmod=require", "does not know"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_by_its_setting_and_never_repeated(url: str, wanted: str) -> None:
    with pytest.raises(SettingProblem) as told:
        read_address(url)
    assert str(told.value).startswith("CDS_DATABASE_URL: ")
    assert wanted in str(told.value)
    assert "SENTINEL" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////srv/a.db", "SQLite file /srv/a.db"),
        ("sqlite:///a.db", f"SQLite file {os.getcwd()}/a.db"),
        ("postgresql://name:SENTINEL@db.example.org:6432/cds", "PostgreSQL database cds at db.example.org:6432"),
        ("postgresql://name:SENTI%40NEL@[::1]/cds?sslmode=require", "PostgreSQL database cds at ::1"),
        ("postgresql:///cds", "PostgreSQL database cds at this machine"),
    ],
)
def test_a_database_is_shown_without_name_and_password(url: str, shown: str) -> None:
    assert read_address(url).shown == shown


def test_postgresql_is_spoken_to_by_psycopg_3() -> None:
    address = read_address("postgresql://name:p%40ss@host/cds")
    assert (address.url.drivername, address.url.password) == ("postgresql+psycopg", "p@ss")


def test_nothing_of_a_url_is_in_what_start_up_logs(caplog: Any, url: str) -> None:
    with caplog.at_level("DEBUG"):
        upgrade(read_address(url))
    (upgraded,) = [each for each in caplog.records if each.message == "schema-upgraded"]
    assert (upgraded.__dict__["found"], upgraded.__dict__["wanted"]) == (None, "0002")
    assert "postgres:" not in str([each.__dict__ for each in caplog.records])
