"""The wheel carries what a clone has beside the package, so that an installed service needs no clone."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built from this tree without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        yield opened


def files_below(folder: Path) -> set[str]:
    """Paths below `folder`, relative to it, without what Python leaves behind."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("name", ["rules", "fhir_fixtures"])
def test_the_wheel_carries_every_file_of(name: str, wheel: zipfile.ZipFile) -> None:
    prefix = f"cds_service/_data/{name}/"
    packed = {each.removeprefix(prefix) for each in wheel.namelist() if each.startswith(prefix)}
    assert packed == files_below(ROOT / name)
    assert packed


def test_the_wheel_carries_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    packed = {each for each in wheel.namelist() if each.startswith("cds_service/")}
    ours = {each for each in packed if not each.startswith("cds_service/_data/")}
    assert ours == {f"cds_service/{each}" for each in files_below(ROOT / "cds_service")}


def test_the_wheel_carries_licence_and_notices(wheel: zipfile.ZipFile) -> None:
    named = {each.rsplit("/", 1)[-1] for each in wheel.namelist() if "/licenses/" in each}
    assert named == {"LICENSE", "NOTICE"}


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [each for each in wheel.namelist() if each.endswith("entry_points.txt")]
    assert "cds-service = cds_service.cli:main" in wheel.read(entry_points).decode().splitlines()
