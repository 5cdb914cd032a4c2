"""Small counts are told together with others, never alone, so that no sum and no difference gives one away. Pure.

A count from 1 to below `least` is small. Instead of a gap in a table, which its total would fill, two counts are
joined: "accepted or overridden: 203". Every number that is told is then a sum of told numbers, each 0 or at least
`least`, and what readers can work out are sums of those again.

Source: the threshold of 11 is that of the cell size suppression policy of the US Centers for Medicare & Medicaid
Services: no cell from 1 to 10, and nothing from which one could be worked out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
LEAST = 11
POOL = "others"


@dataclass(frozen=True, slots=True)
class Group:
    """Counts told as one. parts: what they count. small: the one part that may be told to be below `least`, or ""."""

    parts: tuple[str, ...]
    count: int
    small: str = ""


@dataclass(frozen=True, slots=True)
class Between:
    """What can be told of a count: it lies from `low` to `high`, both included; exact where they are the same."""

    low: int
    high: int

    @property
    def exact(self) -> int | None:
        """The count, where it is told."""
        return self.low if self.low == self.high else None


def is_small(count: int, least: int) -> bool:
    """Whether a count must not be told by itself."""
    return 0 < count < least


def told(count: int, least: int) -> int | None:
    """Give a count that stands in no sum; None when it is small."""
    return None if is_small(count, least) else count


def told_together(
    counts: Mapping[str, int], least: int, siblings: Mapping[str, str] | None = None
) -> tuple[Group, ...]:
    """Join counts until each is 0 or at least `least`; the order of `counts` is kept.

    counts:   parts of one whole whose sum is known to readers.
    siblings: which part a small one is rather joined with; else with the one before it, the first with the next.
    Raises ValueError when the sum itself is small: then nothing of it may be told.

    A part is named as the small one only where that leaves all counts from 1 to below `least` possible: it is joined
    with one other, and the sum is at least twice `least`.
    """
    if is_small(sum(counts.values()), least):
        raise ValueError(f"the whole is below {least}")
    groups: list[tuple[str, ...]] = [(name,) for name, count in counts.items() if count]

    def size(group: tuple[str, ...]) -> int:
        return sum(counts[name] for name in group)

    def joined(one: int, two: int) -> list[tuple[str, ...]]:
        first, last = sorted((one, two))
        both = (*groups[first], *groups[last])
        return [*groups[:first], both, *groups[first + 1 : last], *groups[last + 1 :]]

    settled = set()  # pairs of siblings, joined whichever of them is small
    for name, sibling in (siblings or {}).items():
        if (name,) in groups and (sibling,) in groups and min(counts[name], counts[sibling]) < least:
            groups = joined(groups.index((name,)), groups.index((sibling,)))
            settled.add((name, sibling))
    # With a neighbour, not with the least of the others, and until there is room for any small count beside a large
    # one: else the choice itself would tell which count is small, and at times how small.
    while len(groups) > 1:
        room = [least if len(each) == 1 or each in settled else 2 * least for each in groups]
        small = [number for number, each in enumerate(groups) if size(each) < room[number]]
        if not small:
            break
        groups = joined(small[0], small[0] - 1 if small[0] else 1)
    order = list(counts)
    made = [_group(each, counts, least) for each in groups]
    nothing = [Group((name,), 0) for name, count in counts.items() if not count]
    return tuple(sorted((*made, *nothing), key=lambda each: order.index(each.parts[0])))


def _group(parts: tuple[str, ...], counts: Mapping[str, int], least: int) -> Group:
    small = [each for each in parts if counts[each] < least]
    count = sum(counts[each] for each in parts)
    named = len(parts) == 2 and len(small) == 1 and count >= 2 * least
    return Group(parts, count, small[0] if named else "")


def between(groups: Sequence[Group], part: str, least: int) -> Between:
    """Say what the told groups leave possible for one part."""
    group = next(each for each in groups if part in each.parts)
    if len(group.parts) == 1:
        return Between(group.count, group.count)
    if group.small == part:
        return Between(1, least - 1)
    if group.small:
        return Between(group.count - least + 1, group.count - 1)
    return Between(1, group.count - len(group.parts) + 1)


@dataclass(frozen=True, slots=True)
class Apart(Generic[T]):
    """The counts of a list that are told one by one, the largest first.

    counts:   told exactly.
    at_least: one more, of which only the least that it can be is told; None without one.
    others:   the sum of those that are not told; None where that is not told either.
    """

    counts: dict[T, int]
    at_least: tuple[T, int] | None
    others: int | None


def told_apart(counts: Mapping[T, int], whole: Between, least: int) -> Apart[T]:
    """Tell the counts of a list as far as their sum is told. Readers must not know how many counts there can be.

    whole: what is told of their sum. Where it is told exactly, the others are 0 or so many that two small counts alone
    could not be all of them. Where it is not, what is told never adds up to more than the least that the sum can be,
    so that it narrows nothing down.
    """
    alone = [each for each in sorted(counts.items(), key=lambda each: -each[1]) if each[1] >= least]
    room = whole.low
    if whole.exact is None:
        within: dict[T, int] = {}
        for name, count in alone:
            if count >= room:
                return Apart(within, (name, room) if room >= least else None, None)
            within[name] = count
            room -= count
        return Apart(within, None, None)
    while alone and is_small(room - sum(count for _, count in alone), 2 * least):
        alone.pop()
    return Apart(dict(alone), None, room - sum(count for _, count in alone))


def rows_together(
    rows: Sequence[T], least: int, counts: Callable[[T], Sequence[int]], join: Callable[[T, T], T]
) -> tuple[T, ...]:
    """Join rows with their next until every count of every row is 0 or at least `least`; the last with the one before.

    The sums over all rows must be safe themselves, as those of told_together are.
    """
    done: list[T] = []
    for each in rows:
        open_ = bool(done) and any(is_small(count, least) for count in counts(done[-1]))
        if open_:
            done[-1] = join(done[-1], each)
        else:
            done.append(each)
    while len(done) > 1 and any(is_small(count, least) for count in counts(done[-1])):
        last = done.pop()
        done[-1] = join(done[-1], last)
    return tuple(done)


def total_told(shown: Sequence[int], least: int) -> Between:
    """Tell a sum of counts of which the small ones are not told.

    It is told exactly only where that gives none of them away: each is known to lie from 1 to below `least`, so their
    sum must leave each more than one value, and be no small count itself.
    """
    hidden = [each for each in shown if is_small(each, least)]
    fewest, most = len(hidden), len(hidden) * (least - 1)
    if not hidden or (len(hidden) > 1 and sum(hidden) >= least and sum(hidden) not in (fewest, most)):
        return Between(sum(shown), sum(shown))
    told_sum = sum(shown) - sum(hidden)
    return Between(told_sum + fewest, told_sum + most)
