"""Feedback: kept before it is acknowledged, once however often it is sent, and joined to decisions when asked."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.joining import Decided, Joined, feedback_with_decisions, unknown_cards
from cds_service.edges.store.source import FEEDBACK as FEEDBACK_PURPOSE
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.store import FEEDBACK_S, Store, StoreUnavailable
from cds_service.edges.store.tables import FEEDBACK
from cds_service.feedback import ACCEPTED, OverrideReason
from tests.store.sample import AT, CARD, DECISION, Losses, call_of, eventually, item_of, keep_at_last, rows_of

SERVICE = "oud-patient-view"
REASONS = [{"code": "not-now", "system": "https://example.org/reasons"}]


def keep(store: Store, *items: Any, client: str = "example", comments: bool = False) -> None:
    store.keep_feedback(client, SERVICE, items, comments=comments)


@pytest.mark.parametrize(("comments", "comment"), [(True, "A sentence of the clinician"), (False, None)])
def test_an_item_is_kept_whole_and_its_comment_only_when_allowed(
    address: Address, comments: bool, comment: str | None
) -> None:
    store = Store(address, dropped=Losses(), now=lambda: AT + timedelta(days=1))
    keep(store, item_of(accepted_suggestions=("s-1", "s-2")), comments=comments)
    (kept,) = rows_of(address, FEEDBACK)  # before the store is closed
    store.close()
    assert kept == {
        "key": kept["key"],
        "received_at": AT + timedelta(days=1),
        "client": "example",
        "service": SERVICE,
        "card": CARD,
        "outcome": "overridden",
        "outcome_timestamp": AT,
        "accepted_suggestions": ["s-1", "s-2"],
        "reasons": REASONS,
        "comment": comment,
    }
    assert len(kept["key"]) == 64


def test_a_comment_that_is_not_kept_is_nowhere_in_the_file(sqlite: Address) -> None:
    store = Store(sqlite, dropped=Losses())
    keep(store, item_of(comment="SENTINEL comment"))
    store.close()
    assert sqlite.path is not None
    written = b"".join(each.read_bytes() for each in sqlite.path.parent.iterdir())
    assert (b"SENTINEL" in written, CARD.encode() in written) == (False, True)


def test_what_is_sent_again_is_kept_once(address: Address) -> None:
    moments = iter(AT + timedelta(days=number) for number in range(3))
    store = Store(address, dropped=Losses(), now=lambda: next(moments))
    keep(store, item_of())
    keep(store, item_of(), item_of(card=CARD.upper()), item_of(comment="Other words that are not kept"))
    keep(store, item_of(card="other"), item_of())
    store.close()
    assert sorted((each["card"], each["received_at"]) for each in rows_of(address, FEEDBACK)) == [
        (CARD, AT),
        ("other", AT + timedelta(days=2)),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"card": "other"},
        {"outcome": ACCEPTED},
        {"outcome_timestamp": AT + timedelta(microseconds=1)},
        {"accepted_suggestions": ("s-1",)},
        {"reasons": ()},
        {"reasons": (OverrideReason("not-now", "https://example.org/others"),)},
    ],
)
def test_what_differs_is_kept_beside_it(store: Store, address: Address, other: dict[str, Any]) -> None:
    keep(store, item_of(), item_of(**other))
    assert len(rows_of(address, FEEDBACK)) == 2


def test_clients_and_services_do_not_share_items(store: Store, address: Address) -> None:
    keep(store, item_of())
    keep(store, item_of(), client="another")
    store.keep_feedback("example", "oud-order-sign", [item_of()], comments=False)
    assert len(rows_of(address, FEEDBACK)) == 3


def test_ids_that_no_database_can_hold_are_made_fit(store: Store, address: Address) -> None:
    keep(
        store,
        item_of(card="x" * 9000, accepted_suggestions=("\x00",), reasons=(OverrideReason("\ud800", "y" * 300),)),
        item_of(comment="a\x00b"),
        comments=True,
    )
    long, short = sorted(rows_of(address, FEEDBACK), key=lambda each: -len(each["card"]))
    assert (len(long["card"]), long["accepted_suggestions"]) == (255, ["\ufffd"])
    assert long["reasons"] == [{"code": "?", "system": "y" * 255}]
    assert short["comment"] == "a\ufffdb"


def test_no_items_are_no_rows(store: Store, address: Address) -> None:
    keep(store)
    assert rows_of(address, FEEDBACK) == []


def test_all_items_are_kept_or_none(store: Store, address: Address) -> None:
    with pytest.raises(StoreUnavailable):
        keep(store, item_of(), item_of(outcome_timestamp=AT.replace(tzinfo=None)))
    assert rows_of(address, FEEDBACK) == []


def test_a_commit_waits_for_the_disk(address: Address) -> None:
    engine = open_engine(address, FEEDBACK_PURPOSE)
    with engine.connect() as connection:
        if address.path is None:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
            assert connection.execute(text("SHOW statement_timeout")).scalar() == "1800ms"
        else:
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_a_held_lock_is_told_within_the_deadline_and_nothing_is_lost(store: Store, address: Address) -> None:
    keep(store, item_of(card="before"))
    engine = open_engine(address, OPERATOR)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE" if address.path is None else "BEGIN IMMEDIATE"
        )
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="feedback could not be kept"):
            keep(store, item_of())
        assert 1 < time.monotonic() - began < FEEDBACK_S + 1
        connection.rollback()
    engine.dispose()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="does not keep up"):
        keep(store, item_of())  # no web thread waits again so soon
    assert time.monotonic() - began < 0.2
    keep_at_last(store, item_of())
    assert sorted(each["card"] for each in rows_of(address, FEEDBACK)) == sorted([CARD, "before"])


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    nowhere = read_address("postgresql://name:SENTINEL@127.0.0.1:1/records")
    store = Store(nowhere, dropped=Losses())
    with pytest.raises(StoreUnavailable) as told:
        keep(store, item_of())
    store.close()
    assert "Connection refused" in str(told.value)
    assert "SENTINEL" not in str(told.value)


# --- joined when a report asks --------------------------------------------------------------------------------------

MERGED = replace(DECISION, rule="naloxone-take-home", version="2.0.0", withheld="merged into mat-consideration")
WROTE = Decided("mat-consideration", "2.0.0", "info", "")
ALSO = Decided("naloxone-take-home", "2.0.0", "info", "merged into mat-consideration")


def joined(address: Address, **between: Any) -> list[Joined]:
    engine = open_engine(address, OPERATOR)
    with engine.connect() as connection:
        found = list(feedback_with_decisions(connection, **between))
    engine.dispose()
    return found


def test_feedback_finds_the_decisions_of_its_card_whatever_came_first_and_where(address: Address) -> None:
    here, there = (Store(address, dropped=Losses(), now=lambda: AT) for _ in range(2))
    keep(there, item_of(card=CARD.upper()), comments=True)
    here.remember(call_of(1, decisions=(DECISION, MERGED)))
    there.remember(call_of(2, decisions=(DECISION, MERGED)))  # the same call, sent again
    here.close()
    there.close()
    assert joined(address) == [
        Joined(
            received_at=AT,
            client="example",
            service=SERVICE,
            card=CARD,
            outcome="overridden",
            outcome_timestamp=AT,
            accepted_suggestions=(),
            reasons=(OverrideReason("not-now", "https://example.org/reasons"),),
            comment="A sentence of the clinician",
            decisions=(WROTE, ALSO),
        )
    ]


def test_feedback_about_unknown_cards_stays_and_is_counted(store: Store, address: Address) -> None:
    store.remember(call_of())
    eventually(lambda: rows_of(address, FEEDBACK) or not keep(store, item_of(), item_of(card="1234")))
    keep(store, item_of(), client="another")
    store.close()
    found = joined(address)
    known = sorted((each.client, each.card, bool(each.decisions)) for each in found)
    assert known == [("another", CARD, False), ("example", "1234", False), ("example", CARD, True)]
    assert unknown_cards(found) == 2


def test_a_report_takes_the_feedback_of_its_time(address: Address) -> None:
    moments = iter(AT + timedelta(days=number) for number in range(3))
    store = Store(address, dropped=Losses(), now=lambda: next(moments))
    for number in range(3):
        keep(store, item_of(card=str(number)))
    store.close()
    day = timedelta(days=1)
    assert [each.card for each in joined(address)] == ["0", "1", "2"]
    assert [each.card for each in joined(address, since=AT + day, before=AT + 2 * day)] == ["1"]
