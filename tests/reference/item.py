"""What the reference evaluator works with: rows under test, further rows that may exist, answers of criteria."""

from dataclasses import dataclass, field

from cds_service.core.dates import ANY_DAY, YES, Duration, Span, Verdict
from cds_service.core.decision import NOT_READ
from cds_service.core.facts import Gap, Row

Doubts = frozenset[tuple[str, str]]  # (kind, about)
NO_DOUBTS: Doubts = frozenset()


@dataclass(frozen=True)
class Settled:
    """Days of a row whose start and end no longer follow from the chart's row (merge_gaps, ending).

    same_day: start and end are one and the same day (ending).
    """

    start: Span
    end_first: int
    end_last: int
    same_day: bool


@dataclass(frozen=True)
class Item:
    """A row on its way through the keys of a criterion, or (row None) a further row that a gap may hold.

    frozen: rows of an unclear merge; whatever fails, they stay doubtful.
    open:   still running as far as the record tells (`taking`, `paused`, no end).
    dated:  of a further row: the gap's `before` still bounds its start.
    """

    fact: str
    row: Row | None
    gap: Gap | None = None
    verdict: Verdict = YES
    doubts: Doubts = NO_DOUBTS
    covers: Duration | None = None
    stale: Duration | None = None
    settled: Settled | None = None
    frozen: bool = False
    open: bool = False
    merged: int = 1
    dated: bool = True

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two items the same row."""
        return self.fact, self.row.reference if self.row else ""

    @property
    def about(self) -> str:
        """What a doubt about this item names."""
        return self.row.reference if self.row else self.gap.source if self.gap else ""

    @property
    def start(self) -> Span:
        """The days on which it can have started."""
        if self.settled:
            return self.settled.start
        if self.row is None:
            if self.dated and self.gap and self.gap.before is not None:
                return Span(ANY_DAY.first, self.gap.before - 1)
            return ANY_DAY
        return ANY_DAY if self.row.start is None or not self.row.readable else self.row.start


@dataclass(frozen=True)
class Answer:
    """What a criterion says: rows with verdict YES are sure, with UNKNOWN doubtful; `further` are unread ones."""

    verdict: Verdict
    rows: tuple[Item, ...] = ()
    further: tuple[Item, ...] = ()
    doubts: Doubts = NO_DOUBTS
    count: int = 0

    @property
    def sure(self) -> frozenset[tuple[str, str]]:
        """Identities of the sure rows."""
        return frozenset(each.identity for each in self.rows if each.verdict is YES)

    @property
    def unread(self) -> bool:
        """Whether a list that was not read is among the doubts."""
        return any(kind == NOT_READ for kind, _ in self.doubts)

    @property
    def doubtful(self) -> bool:
        """Whether any other doubt is."""
        return any(kind != NOT_READ for kind, _ in self.doubts)


@dataclass(frozen=True)
class Tested:
    """What one test says of one item, and why when it cannot tell."""

    verdict: Verdict
    doubts: Doubts = field(default=NO_DOUBTS)
