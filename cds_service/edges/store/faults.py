"""What can be wrong with a database, in words that hold no password, no value of a row and no text of a statement."""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from cds_service.feedback import NotKept


class StoreUnavailable(NotKept):
    """The database did not take it, or did not say so in time. The text says why, without values."""


class SchemaProblem(Exception):
    """The database is there, and its tables are not those of this version."""


def why(fault: BaseException) -> str:
    """Say what is wrong.

    SQLite's own texts name no values. Of PostgreSQL only a failed connection is told in its words, which name no
    password; any other fault by its class, because its text may quote the row.
    """
    if isinstance(fault, StoreUnavailable | SchemaProblem):
        return str(fault)
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    origin = fault.orig if isinstance(fault, DBAPIError) else fault
    if type(origin).__module__ == "sqlite3" or isinstance(origin, OSError):
        return str(origin)
    if type(origin).__module__.startswith("psycopg") and getattr(origin, "sqlstate", None) is None:
        return " ".join(str(origin).split())[:300]
    return type(origin).__name__


def is_missing_table(fault: BaseException) -> bool:
    """Whether a table is not there: the schema was never made, or the file was replaced by an empty one."""
    origin = fault.orig if isinstance(fault, DBAPIError) else fault
    return "no such table" in str(origin) or getattr(origin, "sqlstate", None) == "42P01"


def is_of_the_row(fault: BaseException) -> bool:
    """Whether the row itself cannot be kept, so that trying again would be in vain."""
    if isinstance(fault, DBAPIError):
        return isinstance(fault, DataError | IntegrityError)
    return isinstance(fault, StatementError)
