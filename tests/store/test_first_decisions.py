"""`rules release status` tells since which day a version stands in the records."""

from pathlib import Path

import pytest

from cds_service.cli import main
from cds_service.edges.store.faults import StoreUnavailable
from cds_service.edges.store.first_decisions import first_decisions
from cds_service.edges.store.store import Store
from tests.http.small_rules import small_rules
from tests.store.sample import AT, call_of


def test_the_first_day_of_each_version_is_given(store: Store, url: str) -> None:
    day = 24 * 3600
    for number in (2 * day, 0, day):
        store.remember(call_of(number))
    store.close()
    assert first_decisions(url) == {
        ("mat-consideration", "2.0.0"): AT.date().isoformat(),
        ("paws-follow-up", "2.0.0"): AT.date().isoformat(),
    }


def test_records_without_a_decision_give_nothing(store: Store, url: str) -> None:
    assert first_decisions(url) == {}


def test_a_database_without_tables_is_told(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        first_decisions(url)


def test_no_file_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is not there"):
        first_decisions(f"sqlite:///{tmp_path}/records.db")
    assert list(tmp_path.iterdir()) == []


def test_status_goes_on_without_a_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{tmp_path}/none/records.db")
    folder = small_rules(tmp_path / "rules")
    code = main(["rules", "release", "status", "--folder", str(folder)])
    told = capsys.readouterr()
    assert code == 0
    assert told.err.startswith("rules release status: not looked at: ")
    assert "age-reminder  1.0.0   2026.1.0" in told.out
