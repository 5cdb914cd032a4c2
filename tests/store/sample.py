"""What the tests of the records share: rows, items, and a look into a database beside the store."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Table, select

from cds_service.core.engine import compile_release
from cds_service.edges.store.address import Address
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.store import Store, StoreUnavailable
from cds_service.edges.web import Door, Ports, create_app
from cds_service.feedback import OVERRIDDEN, FeedbackItem, OverrideReason
from cds_service.records import CallRow, DecisionRow
from cds_service.services import in_service
from cds_service.wiring import recorder
from tests.http.small_release import SMALL, TODAY

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
CARD = "3f0b5c1e-0000-5000-8000-000000000001"
DECISION = DecisionRow(
    rule="mat-consideration",
    version="2.0.0",
    trial=False,
    state="fires",
    verdict="YES",
    indicator="info",
    withheld="",
    stopped_by=(),
    card_uuid=CARD,
    criteria={"adult": "YES", "declined": "NO"},
)
SILENT = DecisionRow("paws-follow-up", "2.0.0", True, "undecided", "UNKNOWN", None, "trial", ("recent",), None, {})


class Losses:
    """Counts what is told to be dropped; a class because it counts."""

    def __init__(self) -> None:
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, kind: str, count: int) -> None:
        assert kind == "calls"
        with self._lock:
            self.calls += count


def call_of(number: int = 0, *, at: datetime = AT, decisions: tuple[DecisionRow, ...] = (DECISION, SILENT)) -> CallRow:
    """A call; `number` tells it from others."""
    return CallRow(
        at=at + timedelta(seconds=number),
        hook_instance=f"0f1e2d3c-4b5a-11f0-8977-{number:012d}",
        service="oud-patient-view",
        client="example",
        release="2026.11.1",
        digest="0" * 64,
        status=200,
        ms=12.5,
        unread=("surveys",),
        decisions=decisions,
    )


def item_of(card: str = CARD, **changes: Any) -> FeedbackItem:
    """An override with a reason and a comment."""
    given: dict[str, Any] = {
        "outcome": OVERRIDDEN,
        "outcome_timestamp": AT,
        "reasons": (OverrideReason("not-now", "https://example.org/reasons"),),
        "comment": "A sentence of the clinician",
    }
    return FeedbackItem(card=card, **{**given, **changes})


def small_service(store: Store) -> FlaskClient:
    """The service of two small rules, with records."""
    now = in_service(compile_release(SMALL))
    ports = Ports(
        in_service=lambda: now,
        today=lambda client: TODAY,
        new_incident=lambda: "incident-1",
        seen=recorder(store.remember, now=lambda: AT),
    )
    return create_app(ports, Door(1_000_000, 5.0)).test_client()


def rows_of(address: Address, table: Table) -> list[dict[str, Any]]:
    """Every row, in the order of the key."""
    engine = open_engine(address, OPERATOR)
    with engine.connect() as connection:
        found = [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
    engine.dispose()
    return found


def eventually(holds: Callable[[], Any], within_s: float = 10.0) -> Any:
    """Wait until `holds` gives something true, and give it."""
    until = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < until, "did not come about in time"
        time.sleep(0.02)
    return found


def keep_at_last(store: Store, item: FeedbackItem) -> None:
    """Keep an item as a client does that is told 503 for a while: again and again."""

    def kept() -> bool:
        try:
            store.keep_feedback("example", "oud-patient-view", [item], comments=False)
        except StoreUnavailable:
            return False
        return True

    eventually(kept)


def said(caplog: Any) -> list[tuple[str, Any]]:
    """Every event that was logged, and its reason ("" for none)."""
    return [(each.message, each.__dict__.get("why", "")) for each in caplog.records]
