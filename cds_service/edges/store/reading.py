"""What the reports have in common that read the records: how they reach them, and what they tell meanwhile."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cds_service.edges.store.address import Address
from cds_service.edges.store.faults import StoreUnavailable, why
from cds_service.edges.store.schema import look, refuse_other
from cds_service.edges.store.source import REPORT, open_engine


class OfADay(Protocol):
    """What was counted of one day."""

    @property
    def day(self) -> date:
        """The day, in the report's zone."""


T = TypeVar("T", bound=OfADay)


@contextmanager
def records_at(address: Address) -> Iterator[Connection]:
    """Open the records to read them. Raises SchemaProblem, and StoreUnavailable for what fails until they are read."""
    refuse_other(look(address, REPORT), address)
    engine = open_engine(address, REPORT)
    try:
        with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as fault:
        raise StoreUnavailable(f"{address.shown}: {why(fault)}") from None
    finally:
        engine.dispose()


def watched(counted: Iterator[T]) -> Iterator[T]:
    """Give what is counted, and tell on a terminal which day has been read."""
    seen: date | None = None
    terminal = sys.stderr.isatty()
    for each in counted:
        if terminal and each.day != seen:
            seen = each.day
            print(f"\rread: {seen}", end="", file=sys.stderr, flush=True)
        yield each
    if seen:
        print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)
