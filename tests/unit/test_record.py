"""Records are frozen dataclasses in all but what they cost to build."""

import dataclasses
from dataclasses import dataclass

from cds_service.core.dates import Span
from cds_service.core.record import record, replace


@record(frozen=True, slots=True)
class Quick:
    one: int
    other: str = ""


@record(frozen=True, slots=True)
class Lone:
    one: int


@dataclass(frozen=True, slots=True)
class Frozen:
    one: int
    other: str = ""


def test_a_record_compares_and_hashes_as_a_frozen_dataclass_does() -> None:
    assert (Quick(1, "a"), Quick(1)) == (Quick(1, "a"), replace(Quick(1, "b"), other=""))
    assert Quick(1) != Quick(2)
    assert hash(Quick(1, "a")) == hash(Frozen(1, "a"))
    assert not hasattr(Quick(1), "__dict__")


def test_a_record_with_a_hash_of_its_own_keeps_it() -> None:
    assert hash(Span(1, 2, "2026")) == hash(Span(1, 2))


def test_a_record_is_replaced_as_a_frozen_dataclass_is() -> None:
    old = Quick(1, "a")
    assert replace(old, other="b") == dataclasses.replace(old, other="b") == Quick(1, "b")
    assert replace(old, one=0, other="") == Quick(0)
    assert (replace(old), old) == (old, Quick(1, "a"))
    assert replace(Lone(1), one=2) == Lone(2)
