"""The engine and a second, slow reading of the rule language agree on random rule files and charts."""

from hypothesis import given
from hypothesis import strategies as st

from cds_service.core import engine
from cds_service.core.facts import FACTS
from cds_service.core.rule import Criterion, Edition, Find, Logic
from tests.reference.brief import Situation
from tests.reference.charts import TODAYS, charts
from tests.reference.depth import examples
from tests.reference.evaluator import Reference
from tests.reference.pool import TABLE
from tests.reference.rules import editions, facts_of

ALL = examples(250)


@st.composite
def situations(draw, **more):
    """An edition, a chart of the facts it looks at, and a day."""
    edition = draw(editions(**more))
    today = draw(st.sampled_from(TODAYS))
    return Situation(edition, draw(charts(today.toordinal(), facts_of(edition))), today)


def names_of(edition: Edition) -> list[str]:
    """Give every criterion that the rule reaches, as the rule names it, those looked at before those that look."""
    found: dict[str, None] = {}

    def reach(name: str, home: str) -> None:
        own = name if "." in name or not home else f"{home}.{name}"
        place = own.split(".")[0] if "." in own else ""
        body = criterion_of(edition, own).body
        looked_at: tuple[str, ...] = ()
        if isinstance(body, Logic):
            looked_at = (*body.all, *body.any, *body.none)
        elif isinstance(body, Find):
            looked_at = (*body.find, *body.if_, *filter(None, [body.started_since]))
        for each in looked_at:
            if each not in FACTS and each != "today":
                reach(each, place)
        found[own] = None

    for each in edition.rule.criteria:
        reach(each, "")
    return list(found)


def criterion_of(edition: Edition, name: str) -> Criterion:
    """Give a criterion by the name the rule has for it."""
    if "." not in name:
        return edition.rule.criteria[name]
    home, own = name.split(".")
    return edition.definitions[home, 1].criteria[own]


def told(answer) -> tuple:
    """Put the reference's answer beside what can be compared."""
    return str(answer.verdict), sorted(answer.sure), answer.unread, answer.doubtful


def said(result) -> tuple:
    """Put the engine's result beside what can be compared."""
    sure = sorted({(each.row.fact, each.row.reference) for each in result.rows if each.sure})
    return (str(result.verdict), sure, any(each.unread for each in result.doubts),
            any(not each.unread for each in result.doubts))  # fmt: skip


@ALL
@given(situations())
def test_every_criterion_has_the_verdict_rows_and_sorts_of_doubt_of_the_reference(situation):
    edition, today = situation.edition, situation.today
    judgement = engine.judge(engine.compile_edition(edition, TABLE), situation.chart, today)
    reference = Reference(edition, situation.chart, today.toordinal())
    for name in names_of(edition):
        assert said(judgement.result(name)) == told(reference.answer(name)), name


@ALL
@given(situations())
def test_firm_evidence_is_that_of_the_reference(situation):
    edition, today = situation.edition, situation.today
    judgement = engine.judge(engine.compile_edition(edition, TABLE), situation.chart, today)
    reference = Reference(edition, situation.chart, today.toordinal(), firm=True)
    for name in names_of(edition):
        assert str(judgement.firm(name)) == str(reference.answer(name).verdict), name


@examples(100)
@given(situations())
def test_a_verdict_and_its_doubts_are_the_same_without_the_rows_behind_them(situation):
    compiled = engine.compile_edition(situation.edition, TABLE)
    alone, whole = (engine.judge(compiled, situation.chart, situation.today) for _ in range(2))
    for name in names_of(situation.edition):
        result = whole.result(name)
        assert (alone.verdict(name), alone.doubts(name)) == (result.verdict, result.doubts), name
        assert alone.result(name) == result, name
