"""`cds-service db upgrade|status|purge`."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.config import AUTH_OFF, Settings, read_settings
from cds_service.core.plural import so_many
from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.faults import SchemaProblem, StoreUnavailable, why
from cds_service.edges.store.purge import old_rows, purge
from cds_service.edges.store.schema import look, refuse_other, upgrade
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.store import utc_now
from cds_service.edges.store.tables import AGES_BY, METADATA

T = TypeVar("T")
FINE, FINDINGS, DATABASE = 0, 1, 8


@dataclass(frozen=True, slots=True)
class Census:
    """What is in a database. ages: oldest and newest row by table; bytes: on the disk, indexes and log included."""

    rows: dict[str, int]
    ages: dict[str, tuple[datetime, datetime] | None]
    bytes: int


def db_settings(*, of_site: bool = False) -> Settings:
    """The settings of the environment that matter to the database: not who may call, and from where.

    of_site: the site file matters too. A job that purges may run where there is none.
    """
    aside = {"CDS_CLIENTS", "CDS_TODAY"} if of_site else {"CDS_CLIENTS", "CDS_TODAY", "CDS_SITE"}
    environ = {name: value for name, value in os.environ.items() if name not in aside}
    return read_settings({**environ, "CDS_AUTH": AUTH_OFF, "CDS_ALLOW_OPEN": "yes"})


def upgrade_command(args: argparse.Namespace) -> int:
    """Bring the database to the schema of this version."""

    def run(address: Address) -> int:
        before = upgrade(address)
        told = "was current" if before.current else f"upgraded from {before.found or 'nothing'}"
        print(f"{address.shown}\nschema: revision {before.wanted}, {told}")
        return FINE

    return _told(run)


def status_command(args: argparse.Namespace) -> int:
    """Say which schema the database has, and what is in it."""

    def run(address: Address) -> int:
        schema = look(address)
        print(address.shown)
        refuse_other(schema, address)
        print(f"schema: revision {schema.found}, current")
        counted = _with(address, lambda connection: census(connection, address))
        for table, rows in counted.rows.items():
            age = counted.ages.get(table)
            between = f", {_minute(age[0])} to {_minute(age[1])}" if age else ""
            print(f"{table}: {so_many(rows, 'row')}{between}")
        print(f"size: {counted.bytes / 1e6:.1f} MB")
        return FINE

    return _told(run)


def purge_command(args: argparse.Namespace) -> int:
    """Delete what is older than the retention."""
    days = args.days if args.days is not None else db_settings().retention_days

    def run(address: Address) -> int:
        refuse_other(look(address), address)
        now = utc_now()
        before = now - timedelta(days=days)
        if args.dry_run:
            counts = _with(address, lambda connection: old_rows(connection, before, now))
        else:
            engine = open_engine(address, OPERATOR)
            try:
                counts = purge(engine, before, now)
            except SQLAlchemyError as fault:
                raise StoreUnavailable(f"{address.shown}: {why(fault)}") from None
            finally:
                engine.dispose()
        print(f"{address.shown}\nolder than {so_many(days, 'day')}, before {_minute(before)}:")
        for table, rows in counts.items():
            print(f"{table}: {rows} {'would be deleted' if args.dry_run else 'deleted'}")
        return FINE

    return _told(run)


def census(connection: Connection, address: Address) -> Census:
    """Count the rows of every table."""
    rows, ages = {}, {}
    for table in METADATA.sorted_tables:
        rows[table.name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if table in AGES_BY:
            oldest, newest = connection.execute(select(func.min(AGES_BY[table]), func.max(AGES_BY[table]))).one()
            ages[table.name] = (oldest, newest) if oldest else None
    return Census(rows, ages, _bytes(connection, address))


def _bytes(connection: Connection, address: Address) -> int:
    if address.path is not None:
        files = [address.path, address.path.with_name(address.path.name + "-wal")]
        return sum(each.stat().st_size for each in files if each.exists())
    size = text("SELECT pg_total_relation_size(to_regclass(:name))")
    return sum(
        int(connection.execute(size, {"name": f'"{table.name}"'}).scalar() or 0) for table in METADATA.sorted_tables
    )


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _with(address: Address, work: Callable[[Connection], T]) -> T:
    engine = open_engine(address, OPERATOR)
    try:
        with engine.connect() as connection:
            return work(connection)
    except SQLAlchemyError as fault:
        raise StoreUnavailable(f"{address.shown}: {why(fault)}") from None
    finally:
        engine.dispose()


def _told(run: Callable[[Address], int]) -> int:
    """Run a command on the database of the settings and turn what is wrong into words and an exit code."""
    address = read_address(db_settings().database_url or "")
    try:
        return run(address)
    except SchemaProblem as problem:
        print(problem, file=sys.stderr)
        return FINDINGS
    except StoreUnavailable as problem:
        print(f"the database cannot be used: {problem}", file=sys.stderr)
        return DATABASE
