"""Rules and releases are decided as the reference decides them, and no critical card is ever hidden.

Source: docs/reference/rule-language.md, section 6.
"""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cds_service.core import engine
from cds_service.core.dates import NO, UNKNOWN, YES
from cds_service.core.facts import Chart, Row
from cds_service.core.rule import LEVELS, Card, Criterion, Edition, Find, Hook, Line, Logic, Release, When
from tests.reference.brief import Situation
from tests.reference.charts import TODAYS, charts
from tests.reference.deciding import between, decide_release, decide_rule
from tests.reference.depth import examples
from tests.reference.pool import TABLE, VALUE_SETS
from tests.reference.rules import definition, editions, facts_of, rule

ALL = examples(150)
TODAY = date(2026, 3, 1)
IDS = ("a", "b", "c", "d", "e", "f")


@st.composite
def situations(draw) -> Situation:
    """A rule with cards, a chart, a day."""
    edition = draw(editions(with_cards=True))
    today = draw(st.sampled_from(TODAYS))
    return Situation(edition, draw(charts(today.toordinal(), facts_of(edition))), today)


@ALL
@given(situations())
def test_verdict_card_level_and_what_stops_a_rule_are_those_of_the_reference(situation):
    compiled = engine.compile_edition(situation.edition, TABLE)
    decision = engine.decide_edition(compiled, situation.chart, situation.today)
    wanted = decide_rule(situation.edition, situation.chart, situation.today.toordinal())
    card = decision.card.id if decision.card else None
    assert (decision.verdict, card, decision.indicator) == (wanted.verdict, wanted.card, wanted.indicator)
    if wanted.verdict is NO:
        assert set(decision.stopped_by) == set(wanted.stopped_by)
    if wanted.verdict is UNKNOWN:
        assert set(decision.stopped_by) >= set(wanted.stopped_by)
        assert any(each.unread for each in decision.doubts) == any(kind == "not-read" for kind, _ in wanted.doubts)
        assert bool(decision.ask_fetch) == wanted.asks
        assert bool(decision.caveat) == wanted.caveat


@ALL
@given(situations())
def test_a_critical_card_rests_on_yes_and_never_on_unknown(situation):
    compiled = engine.compile_edition(situation.edition, TABLE)
    decision = engine.decide_edition(compiled, situation.chart, situation.today)
    assert decision.indicator != "critical" or decision.verdict is YES


def speaking_rule(id_: str, level: str, yields_to: tuple[str, ...] = (), merges_into: tuple[str, ...] = ()):
    """A rule that always shows a card of this level."""
    found = {"here": Criterion("here", "here", Hook(("patient-view", "order-sign")))}
    card = Card("only", id_, ((level, None),), (Line(id_),), ("source",), ())
    when = When(Logic(("here",)), "no_card", "no_card")
    return rule(id_, found, when, (card,), yields_to=yields_to, merges_into=merges_into)


@st.composite
def rule_lists(draw):
    """Up to six rules that yield to and merge into later ones only (never in a circle), in any order."""
    names = IDS[: draw(st.integers(1, 6))]
    found = []
    for at, name in enumerate(names):
        later = names[at + 1 :]
        others = st.lists(st.sampled_from(later), max_size=2, unique=True).map(tuple) if later else st.just(())
        found.append(speaking_rule(name, draw(st.sampled_from(LEVELS)), draw(others), draw(others)))
    return draw(st.permutations(found))


def outcome(rules, hook: str, **more):
    """Decide a release of these rules."""
    release = Release("2026.1.0", "0", tuple(Edition(each, {}, VALUE_SETS) for each in rules), **more)
    chart = Chart(hook, Row("Patient", "Patient/p", status="living"))
    return engine.decide(engine.compile_release(release), chart, TODAY), release, chart


def sent(result) -> list[tuple]:
    """Give the cards that are sent, in order."""
    return [(each.edition.rule.id, each.indicator, tuple(guest.edition.rule.id for guest in each.merged))
            for each in result.shown]  # fmt: skip


@ALL
@given(rule_lists(), st.sampled_from(["patient-view", "order-sign"]))
def test_yields_merges_order_and_cap_are_those_of_the_reference(rules, hook):
    result, release, chart = outcome(rules, hook)
    wanted = [(each.rule, each.level, each.merged) for each in decide_release(release, chart, TODAY.toordinal())]
    assert sent(result) == wanted


@ALL
@given(rule_lists(), st.sampled_from(["patient-view", "order-sign"]))
def test_every_critical_card_is_sent_merged_or_silenced_by_a_critical_card_that_is_sent(rules, hook):
    result, _, _ = outcome(rules, hook)
    at_critical = {each.edition.rule.id for each in result.shown if each.indicator == "critical"}
    taken_up = {guest.edition.rule.id for each in result.shown for guest in each.merged if each.indicator == "critical"}
    safe = at_critical | taken_up
    for each in rules:
        if each.cards[0].indicator[0][0] == "critical" and each.id not in safe:
            assert safe & set(each.yields_to), each.id


@ALL
@given(rule_lists(), st.data())
def test_the_order_of_rules_in_a_release_matters_for_ties_only(rules, data):
    other = data.draw(st.permutations(rules))
    one, two = outcome(rules, "order-sign")[0], outcome(other, "order-sign")[0]
    as_set = [{(id_, level, frozenset(guests)) for id_, level, guests in sent(each)} for each in (one, two)]
    assert as_set[0] == as_set[1]
    levels = [[level for _, level, _ in sent(each)] for each in (one, two)]
    assert levels[0] == levels[1]


@ALL
@given(rule_lists(), rule_lists())
def test_a_trial_never_shows_hosts_or_silences(rules, trials):
    renamed = tuple(Edition(replace(each, version="2.0.0"), {}, VALUE_SETS) for each in trials)
    with_trial = outcome(rules, "patient-view", trial=renamed)[0]
    assert sent(with_trial) == sent(outcome(rules, "patient-view")[0])
    assert all(each.withheld == "trial" for each in with_trial.decisions if each.trial)


def test_at_patient_view_three_cards_below_critical_are_sent_and_all_critical_ones():
    rules = [speaking_rule(id_, level) for id_, level in zip(IDS, ["info", "warning", "critical"] * 2, strict=True)]
    wanted = [
        ("c", "critical", ()),
        ("f", "critical", ()),
        ("b", "warning", ()),
        ("e", "warning", ()),
        ("a", "info", ()),
    ]
    assert sent(outcome(rules, "patient-view")[0]) == wanted


def test_where_a_criterion_of_never_when_holds_no_rule_runs():
    dead = definition("status", {"gone": Criterion("gone", "gone", Find(("Patient",), status=("deceased",)))})
    release = Release(
        "2026.1.0", "0", (Edition(speaking_rule("a", "critical"), {}, VALUE_SETS),),
        never_when=("status.gone",), gate_definitions={("status", 1): dead}, gate_value_sets=VALUE_SETS,
    )  # fmt: skip
    compiled = engine.compile_release(release)
    for status, shown, gate in (("deceased", 0, "status.gone"), ("living", 1, ""), (None, 1, "")):
        patient = Row("Patient", "Patient/p", status=status)
        result = engine.decide(compiled, Chart("patient-view", patient, {"Patient": (patient,)}), TODAY)
        assert (len(result.shown), result.gate) == (shown, gate)


def test_a_silenced_rule_neither_silences_nor_hosts():
    rules = [
        speaking_rule("a", "info", yields_to=("b",)),
        speaking_rule("b", "info", yields_to=("c",)),
        speaking_rule("c", "warning"),
        speaking_rule("d", "info", merges_into=("b",)),
    ]
    wanted = [("c", "warning", ()), ("a", "info", ()), ("d", "info", ())]
    assert [(each.rule, each.level, each.merged) for each in between(
        rules, {"a": "info", "b": "info", "c": "warning", "d": "info"}, "patient-view")] == wanted  # fmt: skip
    assert sent(outcome(rules, "patient-view")[0]) == wanted


def test_a_rule_that_is_not_released_silences_and_hosts_nobody():
    rules = [speaking_rule("a", "info", yields_to=("gone",)), speaking_rule("b", "info", merges_into=("gone",))]
    result = outcome(rules, "order-sign")[0]
    assert sent(result) == [("a", "info", ()), ("b", "info", ())]
    assert [each.edition.rule.id for each in result.decisions] == ["a", "b"]
