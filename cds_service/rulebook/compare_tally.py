"""A comparison over a cohort, counted rule by rule."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from cds_service.fhir.shapes import Resource
from cds_service.rulebook.compare_people import TURNS, Compared, NotJudged, Two, compare_record

K = TypeVar("K", bound=str | tuple[str, str])
EXAMPLES_KEPT = 5
NEWLY_UNKNOWN, NO_LONGER_UNKNOWN = "newly unknown", "no longer unknown"


@dataclass(slots=True)
class Tally:
    """Counts over a cohort, of one rule; it grows with each Compared.

    before, after: cards; unknown: (before, after, newly, no longer). examples: people by sort, the first few by id.
    reasons: how often what flipped, by sort; parts: how often which part of a card changed.
    """

    rule: str
    calls: int = 0
    before: int = 0
    after: int = 0
    sorts: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    variants: Counter[tuple[str, str]] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def take(self, one: Compared) -> None:
        """Count one comparison."""
        self.calls += 1
        self.before += bool(one.cards[0])
        self.after += bool(one.cards[1])
        self.sorts[one.sort] += 1
        for side, unknown, failed in zip(("before", "after"), one.unknown, one.failed, strict=True):
            self.unknown[side] += unknown
            self.failed[side] += failed
        turned = {(False, True): NEWLY_UNKNOWN, (True, False): NO_LONGER_UNKNOWN}.get(one.unknown, "")
        if turned:
            self.unknown[turned] += 1
        self.parts.update(one.parts)
        if one.cards[0] != one.cards[1] and all(one.cards):
            self.variants[one.cards] += 1
        for sort in filter(None, (one.sort if one.sort in TURNS else "", turned)):
            self.reasons.setdefault(sort, Counter()).update(one.flipped)
            self._such_as(sort, (one.person,))

    def merge(self, other: "Tally") -> None:
        """Take up the counts of other people; the sum does not depend on who came first."""
        self.calls += other.calls
        self.before += other.before
        self.after += other.after
        for own, more in (
            (self.sorts, other.sorts), (self.unknown, other.unknown), (self.failed, other.failed),
            (self.parts, other.parts),
        ):  # fmt: skip
            own.update(more)
        self.variants.update(other.variants)
        for sort, reasons in other.reasons.items():
            self.reasons.setdefault(sort, Counter()).update(reasons)
        for sort, people in other.examples.items():
            self._such_as(sort, people)

    def _such_as(self, sort: str, people: Iterable[str]) -> None:
        known = self.examples.setdefault(sort, [])
        known[:] = sorted({*known, *people})[:EXAMPLES_KEPT]

    @property
    def differs(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.examples)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines of a cohort that could not be used, and the places of the first few, as `Condition.ndjson:12`."""

    why: str
    lines: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """A comparison over a cohort.

    people: records read; skipped: how often no call could be made, by reason. left_out: what could not be used.
    """

    today: date
    people: int
    tallies: Mapping[str, Tally]
    skipped: Mapping[str, int]
    left_out: tuple[LeftOut, ...] = ()


def compare_cohort(two: Two, records: Iterable[Sequence[Resource]], today: date) -> Cohort:
    """Compare both sides on every record and count."""
    tallies = {each: Tally(each) for each in two.rules}
    skipped: Counter[str] = Counter()
    people = 0
    for record in records:
        people += 1
        for each in compare_record(two, record, today):
            if isinstance(each, NotJudged):
                skipped[f"{each.hook}: {each.why}"] += 1
            else:
                tallies[each.rule].take(each)
    return Cohort(today, people, tallies, dict(skipped))


def joined(parts: Sequence[Cohort], today: date, left_out: tuple[LeftOut, ...] = ()) -> Cohort:
    """Add up the parts of one cohort, at least one."""
    tallies = {rule: Tally(rule) for rule in parts[0].tallies}
    skipped: Counter[str] = Counter()
    for part in parts:
        skipped.update(part.skipped)
        for rule, tally in part.tallies.items():
            tallies[rule].merge(tally)
    return Cohort(today, sum(each.people for each in parts), tallies, dict(skipped), left_out)


def most_often(counts: Counter[K], most: int | None = None) -> list[tuple[K, int]]:
    """Give what was counted, the most frequent first, then by name: the same for the same people in any order."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:most]
