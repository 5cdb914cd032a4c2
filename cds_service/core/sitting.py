"""One chart on one day being judged: every result found so far, and what the chart can hold at all."""

from collections.abc import Callable, Sequence

from cds_service.core.decision import Result
from cds_service.core.facts import Chart
from cds_service.core.row_tests import ReferenceDate
from cds_service.core.wants import Bits, Want, present

Judge = Callable[["Sitting"], Result]


class Sitting:
    """One chart, one day, and every result found so far: a cache, so that a criterion is judged once."""

    __slots__ = (
        "_looked_at", "bits", "chart", "dates", "firm", "held", "judges", "nothing", "present", "results", "rows",
        "today",
    )  # fmt: skip

    def __init__(self, chart: Chart, today: int, judges: Sequence[Judge], bits: Bits, firm: bool = False) -> None:
        self.chart = chart
        self.today = today
        self.firm = firm
        self.judges = judges
        self.bits = bits
        self.results: list[Result | None] = [None] * len(judges)
        self.dates: dict[int, ReferenceDate | None] = {}
        self.rows = {"Patient": (chart.patient,), **chart.rows}
        self.present = {fact: present(rows) for fact, rows in self.rows.items()}
        self.held = bits.held(chart.hook, self.present, chart.gaps)
        self._looked_at: dict[tuple[str, ...], int] = {}
        self.nothing: dict[tuple[str, ...], Result] = {}  # by facts: NO, and how many rows there were to look at

    def firmly(self) -> "Sitting":
        """The same chart on the same day with every soft row taken as doubtful; no result is taken over."""
        return Sitting(self.chart, self.today, self.judges, self.bits, firm=True)

    def result(self, index: int) -> Result:
        """The result of the criterion at `index` of the compiled criteria."""
        known = self.results[index]
        if known is None:
            known = self.results[index] = self.judges[index](self)
        return known

    def is_possible(self, wants: Sequence[Want]) -> bool:
        """Whether the chart holds something of each want; if not, the criterion that has the wants is NO."""
        held = self.held
        for want in wants:  # noqa: SIM110 - a generator would take most of the time
            if not want & held:
                return False
        return True

    def looked_at(self, facts: tuple[str, ...]) -> int:
        """How many rows of these facts there were to look at."""
        known = self._looked_at.get(facts)
        if known is None:
            counts, rows = self.chart.counts, self.rows
            known = self._looked_at[facts] = sum(counts.get(fact, len(rows.get(fact, ()))) for fact in facts)
        return known
