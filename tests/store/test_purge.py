"""Purging: what is older goes, what is as old as the limit stays, in transactions of a bounded size."""

from datetime import datetime, timedelta

from cds_service.edges.store.address import Address
from cds_service.edges.store.purge import old_rows, purge
from cds_service.edges.store.source import OPERATOR, open_engine
from cds_service.edges.store.store import Store
from cds_service.edges.store.tables import CALL, FEEDBACK, RULE_DECISION, SEEN_TOKEN
from tests.store.sample import AT, Losses, call_of, eventually, item_of, rows_of

SECOND = timedelta(seconds=1)


def filled(address: Address, count: int) -> None:
    """Calls, each with two decisions, items and tokens, one a second from AT on."""
    moments = iter(AT + number * SECOND for number in range(10_000))
    store = Store(address, dropped=Losses(), now=lambda: next(moments))
    for number in range(count):
        store.remember(call_of(number))
        store.keep_feedback("example", "oud-patient-view", [item_of(card=str(number))], comments=False)
    store.close()


def purged(address: Address, before: datetime, chunk: int) -> tuple[dict[str, int], list[tuple[str, int]]]:
    engine = open_engine(address, OPERATOR)
    chunks: list[tuple[str, int]] = []
    deleted = purge(engine, before, before, chunk=chunk, after_chunk=lambda table, rows: chunks.append((table, rows)))
    engine.dispose()
    return deleted, chunks


def test_older_rows_go_and_those_of_the_very_moment_stay(address: Address) -> None:
    filled(address, 5)
    limit = AT + 2 * SECOND
    engine = open_engine(address, OPERATOR)
    with engine.connect() as connection:
        assert old_rows(connection, limit, limit) == {"rule_decision": 4, "call": 2, "feedback": 2, "seen_token": 0}
    engine.dispose()
    deleted, _ = purged(address, limit, chunk=100)
    assert deleted == {"rule_decision": 4, "call": 2, "feedback": 2, "seen_token": 0}
    left = [AT + number * SECOND for number in (2, 3, 4)]
    assert sorted(each["at"] for each in rows_of(address, CALL)) == left
    assert sorted(each["received_at"] for each in rows_of(address, FEEDBACK)) == left
    assert sorted({each["at"] for each in rows_of(address, RULE_DECISION)}) == left


def test_rows_go_in_chunks(address: Address) -> None:
    filled(address, 5)
    deleted, chunks = purged(address, AT + 60 * SECOND, chunk=4)
    assert chunks == [
        *[("rule_decision", 4), ("rule_decision", 4), ("rule_decision", 2)],
        *[("call", 4), ("call", 1)],
        *[("feedback", 4), ("feedback", 1)],
        ("seen_token", 0),
    ]
    assert deleted == {"rule_decision": 10, "call": 5, "feedback": 5, "seen_token": 0}


def test_tokens_go_by_their_own_end(address: Address) -> None:
    store = Store(address, dropped=Losses(), now=lambda: AT)
    for number in range(3):
        eventually(lambda number=number: store.first_seen("a", str(number), AT + number * SECOND) is not None)
    store.close()
    deleted, _ = purged(address, AT + SECOND, chunk=100)
    assert deleted["seen_token"] == 1
    assert [each["expires"] for each in sorted(rows_of(address, SEEN_TOKEN), key=lambda each: each["expires"])] == [
        AT + SECOND,
        AT + 2 * SECOND,
    ]


def test_what_is_purged_is_overwritten_in_the_file(sqlite: Address) -> None:
    filled(sqlite, 1)
    assert sqlite.path is not None
    hook_instance = call_of(0).hook_instance.encode()
    before = b"".join(each.read_bytes() for each in sqlite.path.parent.iterdir())
    purged(sqlite, AT + SECOND, chunk=100)
    after = b"".join(each.read_bytes() for each in sqlite.path.parent.iterdir())
    assert (hook_instance in before, hook_instance in after) == (True, False)
