"""The backup of PostgreSQL as docs/how-to/operate.md has it; tests/test_tutorials.py follows that of SQLite."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from cds_service.edges.store.address import read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.store import Store
from cds_service.edges.store.tables import FEEDBACK
from tests.store.conftest import postgresql  # noqa: F401
from tests.store.sample import Losses, item_of, keep_at_last, rows_of

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "operate.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"(?ms)^```sh\n(.*?)\n```$", PAGE)]


@pytest.mark.slow
def test_a_backup_brings_back_what_was_acknowledged(
    postgresql: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dump, restore = COMMANDS
    assert (dump[0], restore[0]) == ("pg_dump", "pg_restore")
    postgresql.psql("CREATE DATABASE kept;")
    uri = make_url(postgresql.get_uri())
    (tmp_path / "pg_service.conf").write_text(f"[cds]\nhost={uri.query['host']}\ndbname=kept\nuser={uri.username}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "pg_service.conf"))
    address = read_address("postgresql:///?service=cds")
    upgrade(address)
    keep(address, "before")
    run(dump, tmp_path, postgresql.bin_path)
    keep(address, "after")
    run(restore, tmp_path, postgresql.bin_path)
    assert [each["card"] for each in rows_of(address, FEEDBACK)] == ["before"]
    keep(address, "later")
    assert {each["card"] for each in rows_of(address, FEEDBACK)} == {"before", "later"}


def keep(address: Any, card: str) -> None:
    store = Store(address, dropped=Losses())
    keep_at_last(store, item_of(card=card))
    store.close()


def run(command: list[str], folder: Path, programs: Path) -> None:
    """Run a command of PostgreSQL. programs: those of the server, for no others understand it."""
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(programs / command[0]), *command[1:]], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
