"""What the master does with the database before it starts workers."""

from cds_service.edges.store.address import Address
from cds_service.edges.store.faults import StoreUnavailable
from cds_service.edges.store.schema import look, refuse_other, upgrade
from cds_service.edges.store.source import START_UP
from cds_service.rights import readable_by_others


def prepare(address: Address) -> str:
    """Make sure that this version can keep records there, and give a warning, or "".

    A SQLite file is made and upgraded. A PostgreSQL database may serve other nodes as well, so it is upgraded by an
    operator. One that cannot be reached is no reason to answer no calls: it is tried again while the service runs.
    Raises SchemaProblem.
    """
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
