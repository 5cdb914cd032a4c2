"""Since when each version of a rule stands in the records."""

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from cds_service.edges.store.address import read_address
from cds_service.edges.store.faults import StoreUnavailable, why
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.tables import RULE_DECISION


def first_decisions(database_url: str) -> dict[tuple[str, str], str]:
    """Give the day (UTC) of the first decision that is kept, by rule and version; a trial's decisions count.

    Raises SettingProblem for a URL that cannot be read, StoreUnavailable when the database cannot.
    """
    address = read_address(database_url)
    if address.path is not None and not address.path.exists():
        raise StoreUnavailable(f"{address.shown}: the file is not there")
    table = RULE_DECISION.c
    engine = open_engine(address, OPERATOR)
    try:
        with engine.connect() as connection:
            found = connection.execute(
                select(table.rule, table.version, func.min(table.at)).group_by(table.rule, table.version)
            )
            return {(rule, version): first.date().isoformat() for rule, version, first in found}
    except SQLAlchemyError as fault:
        raise StoreUnavailable(f"{address.shown}: {why(fault)}") from None
    finally:
        engine.dispose()
