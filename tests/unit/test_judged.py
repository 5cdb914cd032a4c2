"""A release that was judged while the service was installed is not judged again; anything else is."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.rulebook import accept_command as command
from cds_service.rulebook import lint
from cds_service.rulebook.accept_command import accept_command
from cds_service.rulebook.judged import note_judged, note_of, was_judged
from cds_service.rulebook.kept import ACCEPTED, REFUSED, committed, look
from cds_service.rulebook.release_lock import digest_of
from cds_service.rulebook.site_file import read_site_text
from tests.http.small_rules import FIRST, RULE, lock, next_release, small_rules
from tests.unit.site_texts import SAID


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that lint looks at."""
    looked_at: list[Path] = []
    real = lint.report_of

    def report_of(loaded: object, copy: Path, *more: object) -> object:
        looked_at.append(copy)
        return real(loaded, copy, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(lint, "report_of", report_of)
    return looked_at


def run_nowhere(file: Path) -> None:
    """Make an error of a rule: a hook that there is not."""
    text = file.read_text(encoding="utf-8")
    assert "hooks: [" in text
    file.write_text(text.replace("hooks: [", "hooks: [nowhere, "), encoding="utf-8")


def accept(folder: Path, notes: Path) -> int:
    return accept_command(argparse.Namespace(folder=str(folder)), notes)


def test_a_first_start_takes_what_was_judged_and_lint_is_not_asked(
    folder: Path, notes: Path, tmp_path: Path, reports: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert accept(folder, notes) == 0
    assert f"release {FIRST} is judged" in capsys.readouterr().out
    assert len(reports) == 1
    looked = look(folder, tmp_path / "kept", judged=lambda digest: was_judged(digest, notes))
    assert (looked.outcome, looked.standing.release, looked.problems) == (ACCEPTED, FIRST, ())
    assert len(reports) == 1
    assert (tmp_path / "kept" / looked.standing.digest / "release.yaml").is_file()


def test_a_release_that_nobody_judged_is_judged_at_the_start(folder: Path, tmp_path: Path, reports: list[Path]) -> None:
    assert look(folder, tmp_path / "kept").outcome == ACCEPTED
    assert len(reports) == 1


def test_another_release_of_the_same_folder_is_judged(
    folder: Path, notes: Path, tmp_path: Path, reports: list[Path]
) -> None:
    assert accept(folder, notes) == 0
    next_release(folder, 1)
    run_nowhere(folder / RULE / "1.0.1.yaml")
    lock(folder)
    looked = look(folder, tmp_path / "kept", judged=lambda digest: was_judged(digest, notes))
    assert looked.outcome == REFUSED
    assert any("nowhere" in each for each in looked.problems)
    assert len(reports) == 2


def test_a_site_file_must_fit_a_release_that_was_judged(folder: Path, notes: Path, tmp_path: Path) -> None:
    assert accept(folder, notes) == 0
    site = read_site_text(f"site: Example Hospital\nrules:\n  age-remainder: {{run: disabled, {SAID}}}\n")
    looked = look(folder, tmp_path / "kept", site, judged=lambda digest: was_judged(digest, notes))
    assert looked.outcome == REFUSED
    assert any("age-remainder" in each for each in looked.problems)


def test_what_another_software_judged_does_not_count(folder: Path, notes: Path, tmp_path: Path) -> None:
    digest = digest_of(committed(folder)[0])
    note_judged(digest, FIRST, notes)
    assert was_judged(digest, notes)
    (note,) = notes.iterdir()
    note.write_text(
        json.dumps({**json.loads(note.read_text(encoding="utf-8")), "software": "another"}), encoding="utf-8"
    )
    assert not was_judged(digest, notes)


@pytest.mark.parametrize("told", ["", "[]", "null", "{", '{"software": null}', '"software"'])
def test_a_note_that_is_none_counts_for_nothing(told: str, folder: Path, notes: Path) -> None:
    digest = digest_of(committed(folder)[0])
    note_judged(digest, FIRST, notes)
    next(notes.iterdir()).write_text(told, encoding="utf-8")
    assert not was_judged(digest, notes)


def test_a_release_with_errors_is_not_noted(folder: Path, notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_nowhere(folder / RULE / "1.0.0.yaml")
    lock(folder)
    assert accept(folder, notes) == 1
    told = capsys.readouterr().err
    assert f"{RULE}/1.0.0.yaml:" in told
    assert "lint finds errors" in told
    assert not notes.exists()


def test_files_that_are_not_as_locked_are_not_noted(
    folder: Path, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / RULE / "1.0.0.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert accept(folder, notes) == 2
    told = capsys.readouterr().err
    assert "1.0.0.yaml is not as release.lock.json says" in told
    assert "cds-service rules release lock" in told
    assert not notes.exists()


def test_a_package_that_cannot_be_written_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert accept(folder, tmp_path / "file" / "notes") == 2
    assert "as the account that installed the service" in capsys.readouterr().err


def test_what_was_judged_is_noted_although_the_folder_moves_on_meanwhile(
    folder: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = digest_of(committed(folder)[0])

    def look_and_move_on(*arguments: Any, **named: Any) -> Any:
        looked = look(*arguments, **named)
        next_release(folder, 1)
        return looked

    monkeypatch.setattr(command, "look", look_and_move_on)
    assert accept(folder, notes) == 0
    assert [*notes.iterdir()] == [note_of(first, notes)]


def test_a_start_asks_the_notes_of_the_package(folder: Path, tmp_path: Path, reports: list[Path]) -> None:
    asked: list[str] = []

    def judged_before(digest: str) -> bool:
        asked.append(digest)
        return True

    assert look.__defaults__ is not None
    assert look.__defaults__[-1] is was_judged
    assert look(folder, tmp_path / "kept", judged=judged_before).outcome == ACCEPTED
    assert (asked, reports) == ([digest_of(committed(folder)[0])], [])
