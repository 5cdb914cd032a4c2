"""What the master does with the database before it starts workers."""

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.edges.store.address import Address
from cds_service.edges.store.faults import StoreUnavailable
from cds_service.edges.store.source import START_UP, Purpose, open_engine
from cds_service.rights import readable_by_others

GLANCE = Purpose(wait_ms=50, durable=True, connections=0)
NEWEST = "0002"  # the last of the migrations; a test holds it to them


def prepare(address: Address) -> str:
    """Make sure that this version can keep records there, and give a warning, or "".

    A SQLite file is made and upgraded. A PostgreSQL database may serve other nodes as well, so it is upgraded by an
    operator. One that cannot be reached is no reason to answer no calls: it is tried again while the service runs.
    Raises SchemaProblem.
    """
    if is_current(address):
        return readable_by_others(address.path) if address.path is not None else ""
    from cds_service.edges.store.schema import look, refuse_other, upgrade  # with Alembic, which is slow to load

    try:
        if address.path is not None:
            upgrade(address, START_UP)
            return readable_by_others(address.path)
        refuse_other(look(address, START_UP), address)
    except StoreUnavailable as problem:
        return (
            f"warning: records cannot be kept now: {problem}\n"
            "  calls are answered; feedback gets 503 until the database can be used"
        )
    return ""


def is_current(address: Address) -> bool:
    """Whether the database is there, has the newest schema and can be written to; trouble is left to a closer look."""
    if address.path is not None and not address.path.exists():
        return False
    engine = open_engine(address, GLANCE)
    try:
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            if address.path is not None:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                connection.exec_driver_sql("ROLLBACK")
            return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [NEWEST]
    except (SQLAlchemyError, OSError):
        return False
    finally:
        engine.dispose()
