"""Where the records are: CDS_DATABASE_URL, read and checked. Nothing here prints a password."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from cds_service.config import SettingProblem

NAME = "CDS_DATABASE_URL"
EXAMPLE = "sqlite:///var/cds-service.db"
# What stands for a host or database is printed. Of a password with an @ in it, a part would stand there.
_HOST, _DATABASE = re.compile(r"[\w.:-]*"), re.compile(r"[\w. -]*")


@dataclass(frozen=True, slots=True)
class Address:
    """One database.

    url:   for SQLAlchemy; its text holds the password.
    path:  the file of a SQLite database, absolute; None for PostgreSQL.
    shown: what may be printed and logged.
    """

    url: URL
    path: Path | None
    shown: str


def read_address(text: str) -> Address:
    """Read a database URL as operators write it. Raises SettingProblem, which never repeats the URL."""
    try:
        url = make_url(text)
        _ = url.port
    except (ArgumentError, ValueError):
        raise _unreadable() from None
    return _sqlite(url) if url.drivername == "sqlite" else _postgresql(url)


def _unreadable() -> SettingProblem:
    return SettingProblem(
        f"{NAME}: cannot be read as a URL; signs such as @ : / in a password are written as %40 %3A %2F"
    )


def _sqlite(url: URL) -> Address:
    name = url.database or ""
    if url.query:
        raise SettingProblem(f"{NAME}: a SQLite URL takes no parameters; give {EXAMPLE}")
    if url.host:
        raise SettingProblem(f"{NAME}: a SQLite URL has three slashes before the file, or four before a whole path")
    if name in ("", ":memory:") or name.startswith("file:"):
        raise SettingProblem(
            f"{NAME}: a SQLite database in memory cannot be used: each worker would have its own, and lose it at "
            f"its end; give a file, as {EXAMPLE}"
        )
    path = Path(os.path.abspath(name))
    if path.is_dir():
        raise SettingProblem(f"{NAME}: {name!r} is a folder; give a file in it")
    return Address(url.set(database=str(path)), path, f"SQLite file {path}")


def _postgresql(url: URL) -> Address:
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    if not _HOST.fullmatch(url.host or "") or not _DATABASE.fullmatch(url.database or ""):
        raise _unreadable()
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if "password" in query:
        raise SettingProblem(f"{NAME}: the password stands before the host: postgresql://name:password@host/database")
    try:
        make_conninfo(**query)
    except (ProgrammingError, TypeError):
        raise SettingProblem(f"{NAME}: has a parameter after ? that PostgreSQL does not know") from None
    shown = f"PostgreSQL database {url.database or ''} at {url.host or query.get('host') or 'this machine'}"
    if url.port:
        shown += f":{url.port}"
    if query.get("service") and not url.host and _DATABASE.fullmatch(query["service"]):
        # A file of libpq holds the rest: https://www.postgresql.org/docs/16/libpq-pgservice.html
        shown = f"PostgreSQL service {query['service']}"
    return Address(url.set(drivername="postgresql+psycopg"), None, shown)
