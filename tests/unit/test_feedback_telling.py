"""Small counts: whatever is told, no small count can be worked out from it, not even by who knows how it is made."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.feedback_report.telling import (
    Apart,
    Between,
    Group,
    between,
    is_small,
    rows_together,
    told_apart,
    told_together,
    total_told,
)

PARTS = ("accepted", "overridden", "no answer", "silent client")
SIBLINGS = {"accepted": "overridden", "no answer": "silent client"}
LEAST = 5


def named(counts: Sequence[int]) -> dict[str, int]:
    return dict(zip(PARTS, counts, strict=False))


def tables(columns: int, most: int) -> Iterator[tuple[int, ...]]:
    """Give every row of so many counts whose sum is at most `most`."""
    if not columns:
        yield ()
        return
    for first in range(most + 1):
        for rest in tables(columns - 1, most - first):
            yield first, *rest


def given_away(
    some: Iterable[tuple[int, ...]], tell: Callable[[tuple[int, ...]], Hashable], most: int
) -> list[tuple[Any, ...]]:
    """Give every small count that is the only one possible for what is told of its table.

    Whoever reads knows how the telling works, and so which tables would look the same. most: the sum up to which every
    table that looks the same is among them.
    """
    alike: dict[Hashable, list[tuple[int, ...]]] = defaultdict(list)
    for each in some:
        alike[tell(each)].append(each)
    return [
        (shown, column, values[0])
        for shown, same in alike.items()
        if max(map(sum, same)) <= most
        for column, values in enumerate(zip(*same, strict=True))
        if len(set(values)) == 1 and is_small(values[0], LEAST)
    ]


def whole(some: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Leave out those whose sum is small: of them nothing is told."""
    return (each for each in some if not is_small(sum(each), LEAST))


def test_no_part_can_be_worked_out_from_what_is_told() -> None:
    found = given_away(whole(tables(4, 18)), lambda each: told_together(named(each), LEAST, SIBLINGS), 18)
    assert found == []


def test_the_check_finds_what_a_plain_gap_gives_away() -> None:
    def gap(counts: Sequence[int]) -> Hashable:
        return (sum(counts), *(None if is_small(each, LEAST) else each for each in counts))

    assert given_away(tables(2, 12), gap, 12)


def test_no_total_gives_away_what_is_left_out_of_it() -> None:
    def tell(counts: Sequence[int]) -> Hashable:
        return total_told(counts, LEAST), tuple(None if is_small(each, LEAST) else each for each in counts)

    assert given_away(tables(4, 18), tell, 12) == []


def test_no_row_of_periods_gives_away_a_small_count() -> None:
    """Four counts: accepted and overridden in two weeks, told by what is told of their sums."""

    def tell(counts: Sequence[int]) -> Hashable:
        weeks = (counts[:2], counts[2:])
        groups = told_together(named([sum(each) for each in zip(*weeks, strict=True)]), LEAST, SIBLINGS)
        rows = [
            ((number,), [sum(named(week)[part] for part in each.parts) for each in groups])
            for number, week in enumerate(weeks)
        ]

        def join(one: Any, two: Any) -> Any:
            return one[0] + two[0], [sum(each) for each in zip(one[1], two[1], strict=True)]

        told = rows_together(rows, LEAST, lambda row: row[1], join)
        return groups, tuple((names, tuple(each)) for names, each in told)

    assert given_away(whole(tables(4, 15)), tell, 15) == []


def test_no_reason_gives_away_how_many_were_accepted() -> None:
    """Reasons of overrides beside "accepted or overridden": their sum must not say how many were overridden."""

    def tell(table: Sequence[int]) -> Hashable:
        accepted, *reasons = table
        groups = told_together({"accepted": accepted, "overridden": sum(reasons)}, LEAST, SIBLINGS)
        apart = told_apart(dict(enumerate(reasons)), between(groups, "overridden", LEAST), LEAST)
        return groups, tuple(sorted(apart.counts.items())), apart.at_least, apart.others

    assert given_away(whole(tables(5, 14)), tell, 14) == []


counts_of = st.lists(st.integers(0, 300) | st.integers(0, 12), min_size=4, max_size=4)


@settings(max_examples=60)
@given(counts_of, st.sampled_from([1, 5, 11]))
def test_what_is_told_adds_up_and_is_never_small(counts: list[int], least: int) -> None:
    parts = named(counts)
    if is_small(sum(counts), least):
        with pytest.raises(ValueError, match=f"below {least}"):
            told_together(parts, least)
        return
    groups = told_together(parts, least, SIBLINGS)
    assert sorted(name for each in groups for name in each.parts) == sorted(PARTS)
    for each in groups:
        assert each.count == sum(parts[name] for name in each.parts)
        assert not is_small(each.count, least)
        assert len(each.parts) == 1 or all(parts[name] for name in each.parts)
    for name, count in parts.items():
        possible = between(groups, name, least)
        assert possible.low <= count <= possible.high
        assert possible.exact is None or (possible.exact == count and not is_small(count, least))


@settings(max_examples=60)
@given(st.dictionaries(st.integers(0, 9), st.integers(1, 60), max_size=8), st.sampled_from([1, 5, 11]))
def test_reasons_add_up_to_their_whole(reasons: dict[int, int], least: int) -> None:
    total = sum(reasons.values())
    if is_small(total, least):
        return
    apart = told_apart(reasons, Between(total, total), least)
    assert (apart.at_least, apart.others) == (None, total - sum(apart.counts.values()))
    assert not any(is_small(each, least) for each in (*apart.counts.values(), total - sum(apart.counts.values())))
    assert list(apart.counts.values()) == sorted(apart.counts.values(), reverse=True)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8), st.sampled_from([1, 5, 11]))
def test_rows_add_up_and_are_never_small(weeks: list[tuple[int, int]], least: int) -> None:
    sums = tuple(map(sum, zip(*weeks, strict=True)))
    rows = rows_together(weeks, least, lambda row: row, lambda one, two: (one[0] + two[0], one[1] + two[1]))
    assert tuple(map(sum, zip(*rows, strict=True))) == sums
    if not any(is_small(each, least) for each in sums):
        assert not any(is_small(each, least) for row in rows for each in row)


def groups_of(**counts: int) -> Mapping[tuple[str, ...], tuple[int, str]]:
    return {each.parts: (each.count, each.small) for each in told_together(counts, 11, {"a": "o", "n": "s"})}


def test_a_small_part_is_joined_with_its_sibling_and_named_where_that_is_safe() -> None:
    assert groups_of(a=3, o=200, n=90, s=0) == {("a", "o"): (203, "a"), ("n",): (90, ""), ("s",): (0, "")}
    assert groups_of(a=3, o=12, n=90, s=20) == {("a", "o"): (15, ""), ("n",): (90, ""), ("s",): (20, "")}
    assert groups_of(a=3, o=0, n=90, s=20) == {("a", "n"): (93, "a"), ("o",): (0, ""), ("s",): (20, "")}
    assert groups_of(a=3, o=4, n=90, s=20) == {("a", "o", "n"): (97, ""), ("s",): (20, "")}
    assert groups_of(a=40, o=60, n=4, s=0) == {("a",): (40, ""), ("o", "n"): (64, "n"), ("s",): (0, "")}
    assert groups_of(a=40, o=12, n=4, s=0) == {("a", "o", "n"): (56, ""), ("s",): (0, "")}


def test_bounds_are_those_of_the_small_part() -> None:
    groups = (Group(("a", "o"), 203, "a"), Group(("n",), 90))
    assert between(groups, "a", 11) == Between(1, 10)
    assert between(groups, "o", 11) == Between(193, 202)
    assert between(groups, "n", 11).exact == 90
    assert between((Group(("a", "o", "n"), 27),), "a", 11) == Between(1, 25)


def test_reasons_are_told_as_far_as_the_least_there_can_be() -> None:
    reasons = {"later": 90, "addressed": 70, "other": 40, "rare": 2}
    assert told_apart(reasons, Between(202, 202), 11) == Apart({"later": 90, "addressed": 70}, None, 42)
    assert told_apart(reasons, Between(193, 202), 11) == Apart({"later": 90, "addressed": 70}, ("other", 33), None)
    assert told_apart({"later": 202}, Between(193, 202), 11) == Apart({}, ("later", 193), None)
    assert told_apart({"later": 193, "rare": 9}, Between(193, 202), 11) == Apart({}, ("later", 193), None)
    assert told_apart({"rare": 9, "rarer": 5}, Between(14, 14), 11) == Apart({}, None, 14)


def test_a_total_is_told_exactly_only_where_it_gives_nothing_away() -> None:
    assert total_told((40, 0, 25), 11) == Between(65, 65)
    assert total_told((40, 3), 11) == Between(41, 50)
    assert total_told((40, 3, 4), 11) == Between(42, 60)  # the two together are a small count themselves
    assert total_told((40, 6, 8), 11) == Between(54, 54)
    assert total_told((40, 10, 10), 11) == Between(42, 60)  # 20 of two counts below 11 is ten and ten
    assert total_told((2, 1), 1) == Between(3, 3)
