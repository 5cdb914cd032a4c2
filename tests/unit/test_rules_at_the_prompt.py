"""`cds-service rules` as people type it: wrong names, days and folders, Ctrl-C, a full disk, a closed output."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cds_service.cli import main
from cds_service.population.cohort_command import write_cohort
from cds_service.population.stopping import tidily
from tests.http.small_rules import RULE, small_rules
from tests.unit.rule_folder import changed_file

SOMEBODY = '{"resourceType": "Patient", "id": "a", "birthDate": "1980-01-01"}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_rules(tmp_path / "rules")


@pytest.fixture
def chart(tmp_path: Path) -> str:
    path = tmp_path / "chart.json"
    path.write_text(f"\ufeff{SOMEBODY}", encoding="utf-8")  # as an editor of Windows saves it
    return str(path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and what standard error says."""
    try:
        code = main(["rules", *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, capsys.readouterr().err


@pytest.mark.parametrize("command", ["test", "explain all --bundle x", "simulate --cohort x", "diff 1.0.0 1.0.1"])
def test_a_rules_folder_that_there_is_not_is_told(
    command: str, tmp_path: Path, chart: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [chart if each == "x" else each for each in command.split()]
    code, said = told(capsys, *arguments, "--folder", str(tmp_path / "none"))
    wanted = f"rules {arguments[0]}: {tmp_path}/none: is no folder; name one with --folder or CDS_RULES\n"
    assert (code, said) == (2, wanted)


@pytest.mark.parametrize("command", [["test"], ["simulate", "--cohort", "none"]])
def test_a_release_that_there_is_not_is_told_with_the_nearest(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, *command, "--release", "2026.1.9", "--folder", str(folder))
    assert (code, said) == (2, f"rules {command[0]}: no release '2026.1.9'; did you mean '2026.1.0'?\n")


@pytest.mark.parametrize("day", ["20260301", "2026-W09-7", "2026-3-1", "0001-01-01", "9999-12-31", "soon", ""])
@pytest.mark.parametrize("command", ["explain", "diff", "simulate", "cohort"])
def test_a_day_is_written_in_one_way_and_is_of_our_time(
    command: str, day: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = {
        "explain": ["all", "--bundle", "x"],
        "diff": ["1.0.0", "1.0.1"],
        "simulate": ["--cohort", "x"],
        "cohort": ["--patients", "1", "--out", "x"],
    }[command]
    code, said = told(capsys, command, *rest, "--today", day)
    wanted = f"{day} is not between 1900 and 2200" if "-01" in day or "-12-" in day else f"{day!r} is no day; write it"
    assert (code, wanted in said) == (2, True), said


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (f"{RULE}@9.0.0", f"{RULE} has no version 9.0.0; there are 1.0.0\n"),
        (f"{RULE}@", f"{RULE} has no version without a number; there are 1.0.0\n"),
        ("age-remindr@1.0.0", f"no rule or definition 'age-remindr@1.0.0' in this release; did you mean '{RULE}'?\n"),
    ],
)
def test_a_version_that_cannot_be_tested_is_told_with_those_there_are(
    named: str, wanted: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "test", named, "--folder", str(folder)) == (2, wanted)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (f"{RULE}@", f"'{RULE}@' names no version; write it as {RULE}@1.1.0"),
        ("@1.0.0", "'@1.0.0' names no rule; write it as rule@1.1.0"),
    ],
)
def test_half_a_version_is_not_compared(
    before: str, wanted: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, "diff", before, f"{RULE}@1.0.0", "--folder", str(folder))
    assert (code, said) == (2, f"rules diff: {wanted}\n")


def test_explain_takes_a_version_as_the_other_commands_do(
    folder: Path, chart: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["rules", "explain", f"{RULE}@1.0.0", "--bundle", chart, "--folder", str(folder)])
    assert (code, f"{RULE} 1.0.0" in capsys.readouterr().out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([f"{RULE}@"], f"'{RULE}@' names no version; write it as {RULE}@1.1.0"),
        ([f"{RULE}@1.0.0", "--version", "1.0.0"], f"'{RULE}@1.0.0' --version names another one"),
        (["all", "--version", "1.0.0"], "--version is of one rule, not of all"),
    ],
)
def test_explain_wants_one_version_of_one_rule(
    arguments: list[str], wanted: str, folder: Path, chart: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, "explain", *arguments, "--bundle", chart, "--folder", str(folder))
    assert (code, said) == (2, f"rules explain: {wanted}\n")


def test_a_lock_that_cannot_be_written_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "release.lock.json"
    path.unlink(missing_ok=True)
    path.mkdir()  # whoever runs as root may write into every folder
    code, said = told(capsys, "lint", "--write-lock", "--folder", str(folder))
    assert (code, said) == (2, f"rules lint: {path}: Is a directory\n")


def test_a_page_that_cannot_be_written_is_named_as_it_was_asked_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, version = tmp_path / "none" / "page.html", f"{RULE}@1.0.0"
    code, said = told(capsys, "diff", version, version, "--html", str(page), "--folder", str(folder))
    assert (code, said) == (2, f"rules diff: {page}: No such file or directory\n")


@pytest.mark.parametrize("name", ["2025.12.9", "2026.1.0"])
def test_a_new_release_comes_after_the_current_one(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(capsys, "release", "new", name, "--folder", str(folder))
    assert (code, "the next could be 2026.1.1" in said, (folder / "releases").exists()) == (2, True, False)


def test_a_rule_with_an_error_of_lint_is_not_tested_but_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / RULE / "1.0.0.yaml"
    changed_file(path, "age: {at_least: minimum_age}", "age: {at_least: minimum_age}, latest: true")
    code = main(["rules", "test", "--folder", str(folder)])
    said = capsys.readouterr().out
    assert (code, "latest-without-value" in said, "could not be judged" in said) == (1, True, False)


# --- interrupted, full, closed ---------------------------------------------------------------------------------------


def test_a_cohort_that_is_stopped_leaves_no_half_of_it_behind(tmp_path: Path) -> None:
    def records() -> Iterator[list[dict[str, str]]]:
        yield [{"resourceType": "Patient", "id": "a"}]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(records(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_over_a_cohort_that_is_told_to_end_removes_what_it_wrote_for_itself(sign: signal.Signals) -> None:
    before = signal.getsignal(sign)
    written = []

    def until_told() -> None:
        with tidily(), TemporaryDirectory() as folder:
            written.append(Path(folder))
            os.kill(os.getpid(), sign)
            time.sleep(5)

    with pytest.raises(SystemExit) as ended:
        until_told()
    assert (ended.value.code, written[0].exists()) == (128 + sign, False)
    assert signal.getsignal(sign) is before


def test_ctrl_c_is_no_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def write(self, _: str) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdout", Interrupted())
    code = main(["rules", "release", "status", "--folder", str(folder)])
    assert (code, capsys.readouterr().err) == (130, "stopped\n")


def test_a_full_disk_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code = main(["rules", "release", "status", "--folder", str(folder)])
    assert (code, capsys.readouterr().err) == (2, "standard output: No space left on device\n")


@pytest.mark.parametrize(("command", "wanted"), [("release status", 0), ("lint", 1)])
def test_a_reader_that_has_seen_enough_leaves_the_exit_code_as_it_is(
    command: str, wanted: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if wanted:
        changed_file(folder / RULE / "1.0.0.yaml", "title:", "titel:")
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        code = main(["rules", *command.split(), "--folder", str(folder)])
        nobody.write("nothing is left that would fail later")
    assert (code, capsys.readouterr().err) == (wanted, "")


def test_without_a_standard_output_the_exit_code_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["rules", "release", "status", "--folder", str(folder)]) == 0


def test_a_folder_where_a_release_is_wanted_is_told_what_is(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hint = "wanted a name; a release of another folder is had by --folder. Here there are 2026.1.0"
    wanted = f"no release '{tmp_path}'; {hint}"
    for command in (["simulate", "--cohort", "none", "--release"], ["test", "--release"], ["diff", "2026.1.0"]):
        code, said = told(capsys, *command, str(tmp_path), "--folder", str(folder))
        assert (code, said) == (2, f"rules {command[0]}: {wanted}\n")


@pytest.mark.parametrize("command", ["simulate", f"diff {RULE}@1.0.0 {RULE}@1.0.0"])
@pytest.mark.parametrize(
    "line", ["", '{"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/a"}}']
)
def test_a_cohort_without_people_is_no_cohort(
    line: str, command: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people"
    people.mkdir()
    (people / "Condition.ndjson").write_text(line, encoding="utf-8")
    name, *more = command.split()
    code, said = told(capsys, name, *more, "--cohort", str(people), "--folder", str(folder))
    assert (code, said) == (2, f"rules {name}: {people}: holds no Patient, so there is nobody to judge\n")
