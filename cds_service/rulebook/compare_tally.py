"""A comparison over a cohort, counted rule by rule."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cds_service.fhir.shapes import Resource
from cds_service.rulebook.compare_people import TURNS, Compared, NotJudged, Two, compare_record

EXAMPLES_KEPT = 5
NEWLY_UNKNOWN, NO_LONGER_UNKNOWN = "newly unknown", "no longer unknown"


@dataclass(slots=True)
class Tally:
    """Counts over a cohort, of one rule; it grows with each Compared.

    before, after: cards; unknown: (before, after, newly, no longer). examples: people by sort, the first few.
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
            people = self.examples.setdefault(sort, [])
            if len(people) < EXAMPLES_KEPT and one.person not in people:
                people.append(one.person)

    @property
    def differs(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.examples)


@dataclass(frozen=True, slots=True)
class Cohort:
    """A comparison over a cohort. people: records read; skipped: how often no call could be made, by reason."""

    today: date
    people: int
    tallies: Mapping[str, Tally]
    skipped: Mapping[str, int]


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
