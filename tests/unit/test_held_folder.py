"""A folder stays as long as a process that works there, and goes with the next one that is made."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cds_service.edges.held_folder import HELD, held_folder
from tests.running import ROOT

# A process that holds a folder, and one that is forked from it: told are the folder and the second one's id.
HOLDING = """
import os, signal
from cds_service.edges.held_folder import held_folder
folder = held_folder("held-")
forked = os.fork()
if forked:
    print(folder, forked, flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def gone(folder: Path) -> bool:
    """Whether the next folder that is made, or soon another one, removes this one."""
    for _ in range(100):
        held_folder("held-")
        if not folder.exists():
            return True
        time.sleep(0.05)
    return False


def test_what_killed_processes_left_goes_once_the_last_of_them_is_gone(there: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(there)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    named, forked = process.stdout.readline().split()
    folder = Path(named)
    (folder / "counter_1.db").write_text("counts", encoding="utf-8")
    try:
        held_folder("held-")
        assert folder.exists(), "both are at work"
        process.kill()
        process.wait()
        held_folder("held-")
        assert folder.exists(), "the one that was forked is"
    finally:
        process.kill()
        os.kill(int(forked), signal.SIGKILL)
        process.stdout.close()
    assert gone(folder)


def test_each_folder_of_a_living_process_stays() -> None:
    folders = [held_folder("held-") for _ in range(3)]
    assert [[each.name for each in folder.iterdir()] for folder in folders] == [[HELD]] * 3


def test_what_has_no_lock_or_another_name_is_left_alone(there: Path) -> None:
    (there / "held-by-an-older-version").mkdir()
    (there / "held-file").write_text("", encoding="utf-8")
    (there / "other").mkdir()
    (there / "other" / HELD).write_text("", encoding="utf-8")
    (there / "held-link").symlink_to(there / "other")
    before = {each.name for each in there.iterdir()}
    made = held_folder("held-")
    assert {each.name for each in there.iterdir()} == {*before, made.name}
    assert (there / "other" / HELD).exists()
