"""What the watch over a rules folder tells, and how often."""

import logging
from pathlib import Path

import pytest

from cds_service.edges import release_watch
from cds_service.edges.release_watch import ReleaseWatch
from cds_service.edges.rule_store import load_accepted, load_served, release_of
from cds_service.rulebook.kept import REFUSED, WAITING
from tests.http.small_rules import RULE, lock, next_release, small_rules, write_release, write_version


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


def watching(folder: Path, kept: Path, found: list[str]) -> ReleaseWatch:
    served = load_served(folder, kept, check=True)
    return ReleaseWatch(
        folder, kept, served.release.digest,
        load=lambda standing: release_of(load_accepted(kept, standing)), serve=lambda release: None, found=found.append,
    )  # fmt: skip


def test_a_commit_that_waited_for_its_files_is_told_to_be_refused_when_they_came(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[str] = []
    watch = watching(folder, tmp_path / "releases", found)
    write_version(folder, "1.0.1", "A summary that goes on " + "and on " * 30)
    write_release(folder, "2026.1.1", "1.0.1")
    lock(folder)
    file = folder / RULE / "1.0.1.yaml"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[:100], encoding="utf-8")
    for _ in range(2):
        watch.look()
    file.write_text(whole, encoding="utf-8")
    for _ in range(2):
        watch.look()
    assert found == [WAITING, REFUSED]
    assert [(each.levelno, each.__dict__["outcome"]) for each in caplog.records] == [
        (logging.WARNING, WAITING),
        (logging.ERROR, REFUSED),
    ]


def test_a_folder_that_cannot_be_looked_at_is_told_once(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    watch = watching(folder, tmp_path / "file" / "releases", [])
    for _ in range(3):
        watch.look_again()
    assert [(each.message, each.__dict__["error"]) for each in caplog.records] == [
        ("release-look-failed", "NotADirectoryError")
    ]


def test_a_commit_waits_for_a_restart_where_the_software_was_changed_since_the_service_began(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    watch = watching(folder, tmp_path / "releases", found)
    monkeypatch.setattr(release_watch, "installed_software", lambda: "newer")
    watch.look()
    assert (found, watch.standing()) == ([], {}), "nothing is new in the folder"
    name = next_release(folder, 1)
    for _ in range(2):
        watch.look()
    assert (found, watch.standing()) == ([WAITING], {"folder": {"outcome": WAITING, "problems": 1}})
    [told] = [each.__dict__["problems"] for each in caplog.records]
    assert told == ["the software was changed since the service began: restart it"]
    assert load_served(folder, tmp_path / "releases", check=True).release.id == name, "a start judges it"
