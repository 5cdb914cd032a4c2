"""One chart on one day being judged: every result found so far, and what the chart can hold at all."""

from collections.abc import Callable, Sequence

from cds_service.core.decision import Result
from cds_service.core.facts import Chart, Row
from cds_service.core.row_tests import ReferenceDate

Judge = Callable[["Sitting"], Result]

# A criterion can hold, or be in doubt, only if of each of its wants some row may be there: a list of these facts was
# not read whole, or it holds a row in one of these value sets (a bit mask). Wants are known before any chart is.
Want = tuple[tuple[tuple[str, ...], int], ...]


class Sitting:
    """One chart, one day, and every result found so far: a cache, so that a criterion is judged once."""

    __slots__ = (
        "_looked_at", "_may_hold", "chart", "dates", "firm", "judges", "nothing", "present", "results", "rows", "today"
    )  # fmt: skip

    def __init__(self, chart: Chart, today: int, judges: Sequence[Judge], firm: bool = False) -> None:
        self.chart = chart
        self.today = today
        self.firm = firm
        self.judges = judges
        self.results: list[Result | None] = [None] * len(judges)
        self.dates: dict[int, ReferenceDate | None] = {}
        self.rows = {"Patient": (chart.patient,), **chart.rows}
        self.present = {fact: _present(rows) for fact, rows in chart.rows.items()}
        self._may_hold: dict[tuple[str, ...], int] = {}
        self._looked_at: dict[tuple[str, ...], int] = {}
        self.nothing: dict[tuple[str, ...], Result] = {}  # by facts: NO, and how many rows there were to look at

    def firmly(self) -> "Sitting":
        """The same chart on the same day with every soft row taken as doubtful; no result is taken over."""
        return Sitting(self.chart, self.today, self.judges, firm=True)

    def result(self, index: int) -> Result:
        """The result of the criterion at `index` of the compiled criteria."""
        known = self.results[index]
        if known is None:
            known = self.results[index] = self.judges[index](self)
        return known

    def may_hold(self, facts: tuple[str, ...]) -> int:
        """The value sets that a row of these facts could be in; all of them when one of the lists was not read."""
        known = self._may_hold.get(facts)
        if known is None:
            known = 0
            for fact in facts:
                known |= -1 if fact in self.chart.gaps else self.present.get(fact, 0)
            self._may_hold[facts] = known
        return known

    def is_possible(self, wants: Sequence[Want]) -> bool:
        """Whether of each want some row may be there; if not, the criterion that has the wants is NO."""
        return all(any(mask & self.may_hold(facts) for facts, mask in want) for want in wants)

    def looked_at(self, facts: tuple[str, ...]) -> int:
        """How many rows of these facts there were to look at."""
        known = self._looked_at.get(facts)
        if known is None:
            counts, rows = self.chart.counts, self.rows
            known = self._looked_at[facts] = sum(counts.get(fact, len(rows.get(fact, ()))) for fact in facts)
        return known


def _present(rows: Sequence[Row]) -> int:
    """The value sets any row could be in; all of them when a row's code cannot be read."""
    mask = 0
    for row in rows:
        if not row.concept.readable or not row.readable:
            return -1
        mask |= row.concept.by_code | row.concept.by_text
    return mask
