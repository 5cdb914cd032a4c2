"""`cds-service db upgrade|status|purge`: what they say, and their exit codes."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from cds_service.cli import DATABASE, FINDINGS, FINE, SETTINGS, USAGE, main
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.store import Store, utc_now
from cds_service.edges.store.tables import CALL
from tests.http.fixture_days import RULES
from tests.store.sample import Losses, call_of, item_of, rows_of
from tests.store.test_schema import run


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("CDS_")]:
        monkeypatch.delenv(name)


Said = tuple[int, str, str]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """The exit code, and what was printed to standard output and to standard error."""
    code = main(["db", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def chosen(url: str, monkeypatch: pytest.MonkeyPatch) -> Address:
    """A database with nothing in it, named by the setting."""
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    return read_address(url)


def test_a_database_is_upgraded_once(chosen: Address, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "upgrade") == (FINE, f"{chosen.shown}\nschema: revision 0002, upgraded from nothing\n", "")
    assert said(capsys, "upgrade") == (FINE, f"{chosen.shown}\nschema: revision 0002, was current\n", "")


@pytest.mark.parametrize("command", ["status", "purge"])
def test_a_schema_that_is_not_current_is_a_finding(
    chosen: Address, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, problem = said(capsys, command)
    assert code == FINDINGS
    assert "its schema is not there yet, this version wants revision 0002" in problem
    assert "run cds-service db upgrade" in problem


@pytest.mark.parametrize("command", ["upgrade", "status", "purge"])
def test_a_newer_schema_is_a_finding(
    address: Address, url: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    run(address, "UPDATE alembic_version SET version_num = '0999'")
    code, _, problem = said(capsys, command)
    assert code == FINDINGS
    assert "its schema is revision 0999" in problem


def test_status_tells_rows_ages_and_size(
    address: Address, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    store = Store(address, dropped=Losses())
    for number in (0, 3600):
        store.remember(call_of(number))
    store.close()
    code, told, problem = said(capsys, "status")
    assert (code, problem) == (FINE, "")
    *lines, size = told.splitlines()
    assert lines == [
        address.shown,
        "schema: revision 0002, current",
        "call: 2 rows, 2026-03-01 12:00 UTC to 2026-03-01 13:00 UTC",
        "feedback: 0 rows",
        "rule_decision: 4 rows, 2026-03-01 12:00 UTC to 2026-03-01 13:00 UTC",
        "seen_token: 0 rows",
    ]
    assert size.startswith("size: 0.")
    assert size != "size: 0.0 MB"


def test_purge_keeps_the_retention_unless_told_otherwise(
    address: Address, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    monkeypatch.setenv("CDS_RETENTION_DAYS", "10")
    now = utc_now()
    store = Store(address, dropped=Losses(), now=lambda: now - timedelta(days=11))
    for days in (11, 9, 1):
        store.remember(call_of(at=now - timedelta(days=days)))
    store.keep_feedback("example", "oud-patient-view", [item_of()], comments=False)
    store.first_seen("example", "0" * 64, now - timedelta(minutes=1))
    store.close()
    code, told, _ = said(capsys, "purge", "--dry-run")
    assert (code, told.splitlines()[2:]) == (
        FINE,
        [
            "rule_decision: 2 would be deleted",
            "call: 1 would be deleted",
            "feedback: 1 would be deleted",
            "seen_token: 1 would be deleted",
        ],
    )
    assert len(rows_of(address, CALL)) == 3
    _, told, _ = said(capsys, "purge")
    assert told.splitlines()[1].startswith("older than 10 days, before ")
    assert told.splitlines()[2:] == [
        "rule_decision: 2 deleted",
        "call: 1 deleted",
        "feedback: 1 deleted",
        "seen_token: 1 deleted",
    ]
    _, told, _ = said(capsys, "purge", "--days", "2")
    assert "call: 1 deleted" in told
    assert len(rows_of(address, CALL)) == 1


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "99999999999"])
def test_days_that_are_none_are_usage(days: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["db", "purge", f"--days={days}"])
    assert ended.value.code == USAGE


@pytest.mark.parametrize("command", ["upgrade", "status", "purge"])
def test_a_database_that_cannot_be_reached_has_its_own_exit_code(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", "postgresql://name:SENTINEL@127.0.0.1:1/records")
    code, told, problem = said(capsys, command)
    assert (code, told) == (DATABASE, "")
    assert problem.startswith("the database cannot be used: PostgreSQL database records at 127.0.0.1:1: ")
    assert "Connection refused" in problem
    assert "SENTINEL" not in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [("CDS_DATABASE_URL", "sqlite://"), ("CDS_DATABASE_URL", "mysql://a"), ("CDS_DATABSE_URL", "sqlite:///a.db")],
)
def test_a_setting_that_cannot_be_used_is_named(
    name: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    code, _, problem = said(capsys, "status")
    assert (code, problem.startswith(f"{name}: ")) == (SETTINGS, True)


def test_who_may_call_is_no_matter_of_the_database(
    sqlite_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CDS_AUTH", "required")
    monkeypatch.setenv("CDS_HOST", "0.0.0.0")
    monkeypatch.setenv("CDS_CLIENTS", "/no/such/file")
    assert said(capsys, "upgrade")[0] == FINE


def test_a_job_that_has_no_site_file_upgrades_and_purges(
    sqlite_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CDS_SITE", "/no/such/file")
    assert [said(capsys, each)[0] for each in ("upgrade", "purge", "status")] == [FINE, FINE, FINE]


def test_a_database_of_a_later_version_is_not_served_with(
    sqlite: Address, sqlite_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sqlite, "UPDATE alembic_version SET version_num = '0999'")
    for name, value in {"AUTH": "off", "PORT": "0", "DATABASE_URL": sqlite_url, "RULES": str(RULES)}.items():
        monkeypatch.setenv(f"CDS_{name}", value)
    assert main(["serve"]) == DATABASE
    assert "revision 0999, which this version does not know" in capsys.readouterr().err


def test_the_working_folder_is_not_written_to_by_a_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(capsys, "status")[0] == FINDINGS
    assert list(tmp_path.iterdir()) == []
