"""A rules folder of one rule that looks at a person's age, locked: read and judged in a moment. Nothing clinical."""

import shutil
from pathlib import Path

from cds_service.rulebook.release import load_release
from cds_service.rulebook.release_lock import write_lock
from tests.running import ROOT

SAMPLE = ROOT / "tests" / "lint_sample"
RULE = "age-reminder"
FIRST = "2026.1.0"


def small_rules(folder: Path) -> Path:
    """Write the folder with its first release, locked."""
    text = (SAMPLE / RULE / "1.0.0.yaml").read_text(encoding="utf-8").replace("merges_into: liver-test-due\n", "")
    (folder / RULE).mkdir(parents=True)
    (folder / RULE / "1.0.0.yaml").write_text(text, encoding="utf-8")
    shutil.copyfile(SAMPLE / "override-reasons.yaml", folder / "override-reasons.yaml")
    write_release(folder, FIRST, "1.0.0")
    lock(folder)
    return folder


def write_release(folder: Path, name: str, version: str) -> None:
    """Write release.yaml, after the one that is there was put among the older ones."""
    current = folder / "release.yaml"
    if current.exists():
        (folder / "releases").mkdir(exist_ok=True)
        current.rename(folder / "releases" / f"{load_release(folder).file.id}.yaml")
    current.write_text(f"release: {name}\nrules:\n  {RULE}: {{active: {version}}}\n", encoding="utf-8")


def write_version(folder: Path, version: str, summary: str) -> None:
    """Write a version of the rule whose card says `summary`."""
    text = (folder / RULE / "1.0.0.yaml").read_text(encoding="utf-8")
    text = text.replace("version: 1.0.0", f"version: {version}").replace("The patient is an adult", summary)
    (folder / RULE / f"{version}.yaml").write_text(text, encoding="utf-8")


def lock(folder: Path) -> None:
    """Commit to the release as its files stand."""
    loaded = load_release(folder)
    write_lock(folder, loaded.file.id, loaded.paths)


def next_release(folder: Path, number: int) -> str:
    """Make version 1.0.<number>, whose card says which it is, and a release that has it; lock it, and give its name."""
    name = f"2026.1.{number}"
    write_version(folder, f"1.0.{number}", f"Number {number}")
    write_release(folder, name, f"1.0.{number}")
    lock(folder)
    return name
