"""A file of secrets that others on the machine can read is told, and nothing is refused for it."""

from pathlib import Path

import pytest

from cds_service.edges.store.address import read_address
from cds_service.edges.store.start_up import prepare
from cds_service.rights import readable_by_others


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_told(tmp_path: Path, mode: int, told: bool) -> None:
    path = tmp_path / "key.json"
    path.write_text("{}")
    path.chmod(mode)
    warning = readable_by_others(path)
    assert bool(warning) is told
    if told:
        assert f"(mode {mode:04o})" in warning
        assert warning.endswith(f"chmod 600 {path}")


def test_of_a_file_that_is_not_there_nothing_is_told(tmp_path: Path) -> None:
    assert readable_by_others(tmp_path / "none") == ""


def test_a_database_that_others_can_read_is_told_at_start_up(tmp_path: Path) -> None:
    path = tmp_path / "var" / "a.db"
    address = read_address(f"sqlite:///{path}")
    assert prepare(address) == ""
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    assert prepare(address) == readable_by_others(path) != ""
