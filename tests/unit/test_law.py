"""The Law: reading more never turns YES into NO or NO into YES (docs/reference/rule-language.md, section 3)."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from cds_service.core import engine
from cds_service.core.dates import UNKNOWN
from cds_service.core.facts import Chart
from tests.reference.brief import Situation, brief
from tests.reference.charts import TODAYS, charts
from tests.reference.depth import examples
from tests.reference.evaluator import Reference
from tests.reference.pool import TABLE
from tests.reference.reading_more import read_charts
from tests.reference.rules import editions, facts_of

ALL = examples(250)


@dataclass(frozen=True)
class Reading:
    """A situation, and its chart when more of it has been read."""

    before: Situation
    more: Chart

    def __repr__(self) -> str:
        rows = [f"  row {brief(each)}" for found in self.more.rows.values() for each in found]
        return "\n".join([repr(self.before), "then", *rows, f"  gaps {brief(tuple(self.more.gaps.values()))}"])

    def _repr_pretty_(self, printer, cycle: bool) -> None:
        """Let Hypothesis print a failing example in few words."""
        printer.text(repr(self))


@st.composite
def readings(draw) -> Reading:
    """A random rule file and chart, and the chart read further."""
    edition = draw(editions())
    today = draw(st.sampled_from(TODAYS))
    chart = draw(charts(today.toordinal(), facts_of(edition)))
    return Reading(Situation(edition, chart, today), draw(read_charts(chart, today.toordinal())))


@ALL
@given(readings())
def test_reading_more_never_turns_a_verdict_of_the_engine_into_its_opposite(reading):
    compiled = engine.compile_edition(reading.before.edition, TABLE)
    before = engine.judge(compiled, reading.before.chart, reading.before.today)
    after = engine.judge(compiled, reading.more, reading.before.today)
    for name in reading.before.edition.rule.criteria:
        one, other = before.result(name).verdict, after.result(name).verdict
        assert UNKNOWN in (one, other) or one is other, (name, str(one), str(other))


@ALL
@given(readings())
def test_reading_more_never_turns_a_verdict_of_the_reference_into_its_opposite(reading):
    today = reading.before.today.toordinal()
    before = Reference(reading.before.edition, reading.before.chart, today)
    after = Reference(reading.before.edition, reading.more, today)
    for name in reading.before.edition.rule.criteria:
        one, other = before.answer(name).verdict, after.answer(name).verdict
        assert UNKNOWN in (one, other) or one is other, (name, str(one), str(other))
