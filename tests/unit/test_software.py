"""The name of the software that judges rules changes with all that may judge otherwise, and with nothing else."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cds_service.rulebook.software import PACKAGE, code_digest, installed_software, this_software


@pytest.fixture
def package(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE / "core", tmp_path / "package" / "core", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "package"


@pytest.mark.parametrize(
    "change",
    [
        lambda core: (core / "engine.py").write_text("changed = True\n", encoding="utf-8"),
        lambda core: (core / "more.py").write_text("", encoding="utf-8"),
        lambda core: (core / "engine.py").unlink(),
        lambda core: (core / "engine.py").rename(core / "motor.py"),
    ],
    ids=["edited", "added", "removed", "renamed"],
)
def test_the_name_changes_with_each_module(change: Callable[[Path], object], package: Path) -> None:
    before = installed_software(package)
    change(package / "core")
    assert installed_software(package) != before


def test_the_name_does_not_change_with_what_python_or_an_image_puts_beside_the_modules(package: Path) -> None:
    before = installed_software(package)
    (package / "core" / "__pycache__").mkdir()
    (package / "core" / "__pycache__" / "engine.cpython-311.pyc").write_bytes(b"x")
    (package / "_judged").mkdir()
    (package / "_judged" / "note.json").write_text("{}", encoding="utf-8")
    assert installed_software(package) == before


def test_the_name_tells_of_python_and_of_pyyaml(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 99, 7, "final", 0))
    monkeypatch.setattr(yaml, "__version__", "9.9")
    assert installed_software(package) == f"code {code_digest(package)}, Python 3.99.7, PyYAML 9.9"


def test_a_process_keeps_the_name_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    began = this_software()
    monkeypatch.setattr(yaml, "__version__", "9.9")
    assert this_software() == began
    assert installed_software() != began
