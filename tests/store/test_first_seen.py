"""A token is new exactly once, over all processes; and whatever the database does, it is told within 50 ms."""

import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from cds_service.edges.store.address import Address, read_address
from cds_service.edges.store.schema import upgrade
from cds_service.edges.store.source import OPERATOR, OWED, TOKENS, Purpose, Source, open_engine
from cds_service.edges.store.tables import SEEN_TOKEN
from cds_service.edges.store.tokens import FIRST_REST_S, LIMIT_S, REST_S, SeenTokens, forget
from tests.store.sample import AT, eventually, rows_of

LATER = AT + timedelta(minutes=5)
PATIENT = replace(TOKENS, wait_ms=20_000)  # for what is told, not how soon


class Clocks:
    """Clocks that stand until they are moved."""

    def __init__(self) -> None:
        self.now, self.seconds = AT, 100.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def tokens(address: Address, clocks: Clocks) -> Iterator[SeenTokens]:
    yield from opened(address, clocks, PATIENT, limit_s=20)


@pytest.fixture
def hasty(address: Address, clocks: Clocks) -> Iterator[SeenTokens]:
    """With the limits of the service."""
    yield from opened(address, clocks)


def opened(
    address: Address, clocks: Clocks, purpose: Purpose = TOKENS, limit_s: float = LIMIT_S
) -> Iterator[SeenTokens]:
    source = Source(address, purpose, lambda address: None)
    slow = Source(address, OWED, lambda address: None)
    found = SeenTokens(source, lambda: clocks.now, slow, monotonic=lambda: clocks.seconds, limit_s=limit_s)
    yield found
    found.close()


def quickest(tokens: SeenTokens, clocks: Clocks, tries: int = 5) -> float:
    """Seconds of the quickest of some tries that are not told; the others may have waited for a busy processor."""
    took = []
    for number in range(tries):
        began = time.monotonic()
        assert tokens.first("a", f"try-{number}", LATER) is None
        took.append(time.monotonic() - began)
        clocks.seconds += REST_S
    return min(took)


def told_again(tokens: SeenTokens, clocks: Clocks) -> bool:
    """Show one new token after another until one is told to be new."""

    def once_more() -> bool | None:
        clocks.seconds += REST_S
        return tokens.first("a", f"again-{clocks.seconds}", LATER)

    return bool(eventually(once_more))


def test_a_token_is_new_once_for_each_client(tokens: SeenTokens, clocks: Clocks) -> None:
    shown = [("a", "1", LATER), ("a", "1", LATER), ("a", "2", LATER), ("b", "1", LATER)]
    assert [tokens.first(*each) for each in shown] == [True, False, True, True]


def test_a_token_is_kept_by_what_it_was_told_as(tokens: SeenTokens, clocks: Clocks, address: Address) -> None:
    tokens.first("a", "0" * 64, LATER)
    (kept,) = rows_of(address, SEEN_TOKEN)
    assert kept == {"client": "a", "jti_sha256": "0" * 64, "expires": LATER}


def test_a_token_is_a_replay_until_its_end_and_new_after_it(tokens: SeenTokens, clocks: Clocks) -> None:
    tokens.first("a", "1", LATER)
    clocks.now = LATER
    assert tokens.first("a", "1", LATER) is False
    clocks.now = LATER + timedelta(microseconds=1)
    again = clocks.now + timedelta(minutes=5)
    assert [tokens.first("a", "1", again) for _ in range(2)] == [True, False]


def test_ended_tokens_are_forgotten_in_steps(tokens: SeenTokens, clocks: Clocks, address: Address) -> None:
    for number in range(5):
        tokens.first("a", str(number), LATER + timedelta(seconds=number))
    source = Source(address, OPERATOR, lambda address: None)
    now = LATER + timedelta(seconds=4)
    counts = [source.run(lambda connection: forget(connection, now, chunk=3)) for _ in range(3)]
    source.close()
    assert counts == [3, 1, 0]
    assert [each["expires"] for each in rows_of(address, SEEN_TOKEN)] == [now]


def show(url: str, start: Any, answers: Any) -> None:
    """In a process of its own: show the same token as the others do."""
    tokens = next(opened(read_address(url), Clocks(), PATIENT, limit_s=20))
    start.wait(30)
    answers.put(tokens.first("a", "same", LATER))
    tokens.close()


def test_of_eight_processes_that_show_the_same_token_one_is_first(address: Address, url: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cds_service.edges.store.store", "psycopg", "tests.store.sample"])
    start, answers = context.Barrier(8), context.Queue()
    shown = [context.Process(target=show, args=(url, start, answers)) for _ in range(8)]
    for each in shown:
        each.start()
    found = sorted((answers.get(timeout=60) for _ in shown), key=str)
    for each in shown:
        each.join(20)
    assert found == [False] * 7 + [True]


@contextmanager
def table_locked(address: Address) -> Iterator[None]:
    """Hold the lock that an insert waits for."""
    engine = open_engine(address, OPERATOR)
    with engine.connect() as connection:
        if address.path is None:
            connection.execute(text("LOCK TABLE seen_token IN ACCESS EXCLUSIVE MODE"))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.rollback()
    engine.dispose()


def test_a_held_lock_holds_no_call_and_the_database_is_then_let_be(
    hasty: SeenTokens, clocks: Clocks, address: Address, caplog: pytest.LogCaptureFixture
) -> None:
    assert told_again(hasty, clocks)
    with table_locked(address):
        assert 0.02 < quickest(hasty, clocks) < 0.1
        assert hasty.first("a", "1", LATER) is None
    # The lock is gone, and nobody asks before the time is over.
    assert [hasty.first("a", str(number), LATER) for number in range(100)] == [None] * 100
    assert told_again(hasty, clocks)
    assert [each.message for each in caplog.records] == ["tokens-not-compared"] * len(caplog.records)
    assert [each.__dict__["seconds"] for each in caplog.records][:6] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


def test_a_connection_that_hangs_holds_no_call(sqlite: Address, clocks: Clocks) -> None:
    release = threading.Event()

    class Hanging(Source):
        def run(self, work: Any) -> Any:
            release.wait(30)

        def change(self, statement: Any, **values: Any) -> Any:
            release.wait(30)

    hanging = Hanging(sqlite, TOKENS, lambda address: None)
    tokens = SeenTokens(hanging, lambda: AT, owed(sqlite), monotonic=lambda: clocks.seconds)
    assert 0.04 < quickest(tokens, clocks) < 0.1  # of more tries than there are threads
    release.set()
    tokens.close()


def test_a_database_that_is_not_there_gives_no_answer(clocks: Clocks) -> None:
    nowhere = read_address("postgresql://name:SENTINEL@127.0.0.1:1/records")
    tokens = next(opened(nowhere, clocks))
    assert tokens.first("a", "1", LATER) is None
    tokens.close()


def test_a_lock_is_over_when_its_holder_is(sqlite: Address, clocks: Clocks) -> None:
    tokens = next(opened(sqlite, clocks))
    other = sqlite3.connect(str(sqlite.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert tokens.first("a", "1", LATER) is None
    other.close()
    assert told_again(tokens, clocks)
    tokens.close()


def test_a_connection_that_the_server_ended_is_replaced_before_it_is_asked(
    postgresql_url: str, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    address = read_address(postgresql_url)
    upgrade(address)
    tokens = next(opened(address, clocks, PATIENT, limit_s=20))
    assert tokens.first("a", "1", LATER) is True
    engine = open_engine(address, OPERATOR)
    clients = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) {clients}"))
        eventually(lambda: connection.execute(text(f"SELECT count(*) {clients}")).scalar_one() == 0)
    engine.dispose()
    assert [tokens.first("a", each, LATER) for each in ("1", "2")] == [False, True]
    assert caplog.messages == []
    tokens.close()


def test_a_worker_with_more_than_a_thousand_files_open_tells_tokens_all_the_same(
    postgresql_url: str, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    address = read_address(postgresql_url)
    upgrade(address)
    with ExitStack() as held:
        while held.enter_context(open(os.devnull, "rb")).fileno() < 1024:
            pass
        tokens = next(opened(address, clocks, PATIENT, limit_s=20))
        assert [tokens.first("a", each, LATER) for each in ("1", "2", "1")] == [True, True, False]
        tokens.close()
    assert caplog.messages == []


def owed(address: Address) -> Source:
    return Source(address, OWED, lambda address: None)


def test_a_token_that_could_not_be_told_is_a_replay_once_that_can_be(
    hasty: SeenTokens, clocks: Clocks, address: Address
) -> None:
    assert told_again(hasty, clocks)
    with table_locked(address):
        assert hasty.first("a", "unasked", LATER) is None  # the call goes on
        assert hasty.first("a", "at rest", LATER) is None
    wanted = {"unasked", "at rest"}
    eventually(lambda: wanted <= {each["jti_sha256"] for each in rows_of(address, SEEN_TOKEN)})
    told: list[bool | None] = []

    def is_told(token: str) -> bool:
        clocks.seconds += REST_S
        told.append(hasty.first("a", token, LATER))
        return told[-1] is not None  # a busy machine may not tell it in time

    for each in sorted(wanted):
        eventually(lambda each=each: is_told(each))  # type: ignore[misc]
    assert [each for each in told if each is not None] == [False, False]


def test_a_table_that_was_locked_for_a_moment_is_asked_again_soon(
    hasty: SeenTokens, clocks: Clocks, address: Address
) -> None:
    assert told_again(hasty, clocks)
    with table_locked(address):
        assert hasty.first("a", "1", LATER) is None
    clocks.seconds += FIRST_REST_S
    assert eventually(lambda: hasty.first("a", "2", LATER) is not None)


def test_an_insert_that_comes_too_late_takes_the_token_all_the_same(sqlite: Address, clocks: Clocks) -> None:

    class Slow(Source):
        def change(self, statement: Any, **values: Any) -> int:
            time.sleep(0.05)
            return super().change(statement, **values)

    slow = Slow(sqlite, PATIENT, lambda address: None)
    tokens = SeenTokens(slow, lambda: AT, owed(sqlite), monotonic=lambda: clocks.seconds, limit_s=0.02)
    assert tokens.first("a", "1", LATER) is None
    tokens.close()
    assert [each["jti_sha256"] for each in rows_of(sqlite, SEEN_TOKEN)] == ["1"]
