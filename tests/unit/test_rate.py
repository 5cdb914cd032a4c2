"""The token bucket of a client: how many calls at once, how many later, and how long to wait."""

import threading
from dataclasses import replace

from cds_service.clients.client import Client, Rate
from cds_service.edges.rate import Buckets

CLIENT = Client("ehr", rate=Rate(per_second=0.5, burst=3))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_one_call_each_time_the_bucket_has_filled() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    assert [buckets.take(CLIENT) for _ in range(5)] == [0, 0, 0, 2, 2]
    clock.now += 1.5
    assert buckets.take(CLIENT) == 0.5
    clock.now += 0.5
    assert [buckets.take(CLIENT) for _ in range(2)] == [0, 2]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    buckets.take(CLIENT)
    clock.now += 1_000_000
    assert [buckets.take(CLIENT) for _ in range(4)] == [0, 0, 0, 2]


def test_looking_takes_nothing() -> None:
    buckets = Buckets(Clock())
    assert [buckets.wait_s(CLIENT) for _ in range(10)] == [0] * 10
    assert [buckets.take(CLIENT) for _ in range(4)] == [0, 0, 0, 2]
    assert buckets.wait_s(CLIENT) == 2


def test_each_client_has_its_own_and_one_without_a_rate_has_no_limit() -> None:
    buckets = Buckets(Clock())
    for _ in range(4):
        last = buckets.take(CLIENT)
    assert last == 2
    assert buckets.take(replace(CLIENT, name="other")) == 0
    assert {buckets.take(Client("free")) for _ in range(100)} == {0}


def test_a_clock_that_stands_still_or_goes_back_gives_nothing_away() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for _ in range(3):
        buckets.take(CLIENT)
    clock.now -= 50
    assert buckets.take(CLIENT) == 2


def test_many_threads_together_take_no_more_than_there_is() -> None:
    client = Client("ehr", rate=Rate(per_second=0.001, burst=100))
    buckets, taken, together = Buckets(Clock()), [], threading.Barrier(8)

    def take() -> None:
        together.wait()
        taken.extend(buckets.take(client) for _ in range(100))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert taken.count(0) == 100
