"""One chart on one day being judged: every verdict and result found so far, and what the chart can hold at all."""

from collections.abc import Callable, Sequence

from cds_service.core.dates import NO, UNKNOWN, Verdict
from cds_service.core.decision import NOTHING, Doubt, Dropped, Found, Result
from cds_service.core.facts import Chart, Row
from cds_service.core.pool import pooled
from cds_service.core.record import record
from cds_service.core.row_tests import ReferenceDate
from cds_service.core.shelf import Shelf
from cds_service.core.wants import Bits, Want, present

MANY_ROWS = 12  # of a fact, from which on a shelf costs less than every criterion walking all of them


@record(frozen=True, slots=True)
class Judge:
    """How a criterion is judged.

    wants:   what it cannot do without (core.wants).
    result:  its verdict with what it stands on.
    dropped: of one that is NO, what there was to look at.
    quick:   its verdict, if that can be told without gathering its rows.
    doubts:  of one that is UNKNOWN, why, if that can be told without gathering its rows.
    """

    wants: tuple[Want, ...]
    result: Callable[["Sitting"], Result]
    dropped: Callable[["Sitting"], Dropped]
    quick: Callable[["Sitting"], Verdict] | None = None
    doubts: Callable[["Sitting"], tuple[Doubt, ...]] | None = None


class Sitting:
    """One chart, one day, and all that was found so far: a cache, so that a criterion is judged once.

    Most of what is asked are verdicts. The rows behind one are gathered only for whoever asks for the result: a
    criterion that searches them, a card, an explanation.
    """

    __slots__ = (
        "bits", "chart", "dates", "firm", "firm_one", "held", "judges", "pools", "present", "results", "rows",
        "shelves", "today", "verdicts", "whys",
    )  # fmt: skip

    def __init__(self, chart: Chart, today: int, judges: Sequence[Judge], bits: Bits, firm: bool = False) -> None:
        self.chart = chart
        self.today = today
        self.firm = firm
        self.firm_one: Sitting | None = None
        self.judges = judges
        self.bits = bits
        self.verdicts: list[Verdict | None] = [None] * len(judges)
        self.results: list[Result | None] = [None] * len(judges)
        self.whys: dict[int, tuple[Doubt, ...]] = {}
        self.pools: dict[tuple[int, ...], Sequence[Found]] = {}
        self.dates: dict[int, ReferenceDate | None] = {}
        self.rows = {"Patient": (chart.patient,), **chart.rows}
        self.shelves: dict[str, Shelf] = {}
        self.present = {fact: present(rows) for fact, rows in self.rows.items()}
        self.held = bits.held(chart.hook, self.present, chart.gaps)

    def firmly(self) -> "Sitting":
        """The same chart on the same day with every soft row taken as doubtful; no result is taken over."""
        if self.firm_one is None:  # most calls never ask
            self.firm_one = Sitting(self.chart, self.today, self.judges, self.bits, firm=True)
        return self.firm_one

    def verdict(self, index: int) -> Verdict:
        """The verdict of the criterion at `index` of the compiled criteria."""
        known = self.verdicts[index]
        if known is None:
            judge, held = self.judges[index], self.held
            for want in judge.wants:
                if not want & held:
                    known = NO
                    break
            else:
                if judge.quick:
                    known = judge.quick(self)
                else:
                    result = self.results[index] = judge.result(self)
                    known = result.verdict
            self.verdicts[index] = known
        return known

    def result(self, index: int) -> Result:
        """The result of the criterion at `index`: its verdict with what it stands on."""
        known = self.results[index]
        if known is None:
            told = self.verdict(index)
            known = self.results[index]  # of many a criterion, its rows tell the verdict
            if known is None:
                known = self.results[index] = NOTHING if told is NO else self.judges[index].result(self)
        return known

    def doubts(self, index: int) -> tuple[Doubt, ...]:
        """Why the criterion at `index` is UNKNOWN; empty if it is not."""
        if self.verdict(index) is not UNKNOWN:
            return ()
        known = self.whys.get(index)
        if known is None:
            of_judge = self.judges[index].doubts
            known = self.whys[index] = of_judge(self) if of_judge else self.result(index).doubts
        return known

    def pool(self, indexes: tuple[int, ...]) -> Sequence[Found]:
        """The rows of several criteria together, each once."""
        known = self.pools.get(indexes)
        if known is None:
            known = self.pools[indexes] = pooled([self.result(index) for index in indexes])
        return known

    def rows_within(self, fact: str, mask: int) -> Sequence[Row]:
        """The rows of a fact, in order: all that can be in a value set of `mask`, and of a short list the others too.

        mask: 0 asks for every row.
        """
        rows = self.rows.get(fact, ())
        if not mask or len(rows) < MANY_ROWS:
            return rows
        shelf = self.shelves.get(fact)
        if shelf is None:
            shelf = self.shelves[fact] = Shelf(rows)
        return shelf.within(mask)

    def looked_at(self, facts: Sequence[str]) -> int:
        """How many rows of these facts there were to look at."""
        counts, rows = self.chart.counts, self.rows
        return sum(counts.get(fact, len(rows.get(fact, ()))) for fact in facts)
