"""The schema of a database: which revision it has, whether this version can work with it, and how it is brought up."""

import logging
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.edges.store.address import Address
from cds_service.edges.store.faults import SchemaProblem, StoreUnavailable, why
from cds_service.edges.store.source import OPERATOR, Purpose, open_engine

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x6F75645F636473  # "oud_cds": whoever upgrades a PostgreSQL database holds it

_log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class Schema:
    """found: revision of the database, None = no tables yet. wanted: newest that this version knows. known: all."""

    found: str | None
    wanted: str
    known: frozenset[str]

    @property
    def current(self) -> bool:
        return self.found == self.wanted

    @property
    def newer(self) -> bool:
        return self.found is not None and self.found not in self.known


def schema_of(connection: Connection) -> Schema:
    """Read the revision of a database."""
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    wanted = scripts.get_current_head()
    assert wanted is not None
    return Schema(found, wanted, frozenset(each.revision for each in scripts.walk_revisions()))


def look(address: Address, purpose: Purpose = OPERATOR) -> Schema:
    """Read the revision of the database at `address`; a file that is not there is not made. Raises StoreUnavailable."""
    if address.path is not None and not address.path.exists():
        with create_engine("sqlite://").connect() as nothing:
            return schema_of(nothing)
    engine = open_engine(address, purpose)
    try:
        with engine.connect() as connection:
            return schema_of(connection)
    except (SQLAlchemyError, OSError) as fault:
        raise StoreUnavailable(f"{address.shown}: {why(fault)}") from None
    finally:
        engine.dispose()


def upgrade(address: Address, purpose: Purpose = OPERATOR) -> Schema:
    """Bring a database to the newest revision, and give the schema as it was found.

    Safe when several do it at once: the first holds a lock until all is committed, the others then find nothing to do.
    Raises StoreUnavailable, and SchemaProblem if the schema is newer.
    """
    engine = open_engine(address, purpose)
    try:
        return _upgrade_sqlite(engine, address) if address.path is not None else _upgrade_postgresql(engine, address)
    except (SQLAlchemyError, OSError) as fault:
        raise StoreUnavailable(f"{address.shown}: {why(fault)}") from None
    finally:
        engine.dispose()


def refuse_newer(schema: Schema, address: Address) -> None:
    """Raises SchemaProblem when a later version of the service has been at work on the database."""
    if schema.newer:
        raise SchemaProblem(
            f"{address.shown}: its schema is revision {schema.found}, which this version does not know; the newest it "
            f"knows is {schema.wanted}\n  hint: serve with the version that upgraded the database, or another database"
        )


def refuse_other(schema: Schema, address: Address) -> None:
    """Raises SchemaProblem unless the schema is the newest."""
    refuse_newer(schema, address)
    if not schema.current:
        raise SchemaProblem(
            f"{address.shown}: its schema is {_named(schema)}, this version wants revision {schema.wanted}\n"
            "  hint: run cds-service db upgrade"
        )


def _named(schema: Schema) -> str:
    return f"revision {schema.found}" if schema.found else "not there yet"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _migrate(connection: Connection, address: Address) -> Schema:
    schema = schema_of(connection)
    refuse_newer(schema, address)
    if not schema.current:
        logging.getLogger("alembic").setLevel(logging.WARNING)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _log.info("schema-upgraded", extra={"database": address.shown, "found": schema.found, "wanted": schema.wanted})
    return schema


def _upgrade_postgresql(engine: Engine, address: Address) -> Schema:
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        return _migrate(connection, address)


def _upgrade_sqlite(engine: Engine, address: Address) -> Schema:
    # Python's sqlite3 begins a transaction at the first row it writes, too late for tables and for the lock: here the
    # transaction is ours.
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            schema = _migrate(connection, address)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        return schema
