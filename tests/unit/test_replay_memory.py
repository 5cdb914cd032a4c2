"""What a worker remembers of tokens: until they end, and no more than a number of them."""

import threading

from cds_service.edges.replay_memory import ReplayMemory


def test_a_token_is_first_once_until_it_ends() -> None:
    memory = ReplayMemory()
    assert memory.first("ehr", "a", ends=100, now=0)
    assert not memory.first("ehr", "a", ends=100, now=99)
    assert memory.holds("ehr", "a", now=99)
    assert not memory.holds("ehr", "a", now=100)
    assert memory.first("ehr", "a", ends=200, now=100)


def test_a_token_is_one_clients() -> None:
    memory = ReplayMemory()
    memory.first("ehr", "a", ends=100, now=0)
    assert not memory.holds("other", "a", now=0)
    assert memory.first("other", "a", ends=100, now=0)


def test_asking_remembers_nothing() -> None:
    memory = ReplayMemory()
    assert not memory.holds("ehr", "a", now=0)
    assert memory.first("ehr", "a", ends=100, now=0)


def test_tokens_that_ended_make_room_first() -> None:
    forgotten: list[int] = []
    memory = ReplayMemory(most=3, forgotten=lambda: forgotten.append(1))
    for name, ends in (("a", 10), ("b", 20), ("c", 30)):
        memory.first("ehr", name, ends=ends, now=0)
    assert memory.first("ehr", "d", ends=40, now=15)
    assert [memory.holds("ehr", each, now=15) for each in "abcd"] == [False, True, True, True]
    assert (len(memory), forgotten) == (3, [])


def test_when_it_is_full_the_one_that_ends_soonest_is_forgotten_and_that_is_told() -> None:
    forgotten: list[int] = []
    memory = ReplayMemory(most=3, forgotten=lambda: forgotten.append(1))
    for name, ends in (("a", 30), ("b", 10), ("c", 20), ("d", 40)):
        assert memory.first("ehr", name, ends=ends, now=0)
    assert [memory.holds("ehr", each, now=0) for each in "abcd"] == [True, False, True, True]
    assert (len(memory), forgotten) == (3, [1])


def test_it_never_grows_beyond_its_bound() -> None:
    memory = ReplayMemory(most=50)
    for number in range(1000):
        memory.first("ehr", str(number), ends=number % 7 + 1000, now=0)
    assert len(memory) == len(memory._soonest) == 50


def test_of_many_threads_one_is_first() -> None:
    memory, firsts, together = ReplayMemory(), [], threading.Barrier(16)

    def ask() -> None:
        together.wait()
        firsts.extend(memory.first("ehr", str(number), ends=100, now=0) for number in range(100))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert firsts.count(True) == 100
