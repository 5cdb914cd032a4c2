"""Small changes: which are made, how a changed line reads, and what counts as caught."""

from dataclasses import replace

import pytest

from cds_service.core.facts import Coding
from cds_service.core.rule import (
    Bounds,
    Card,
    Conditions,
    Criterion,
    Edition,
    Find,
    Hook,
    Line,
    Logic,
    Parameter,
    Rule,
    Suggestion,
    When,
)
from cds_service.core.value_set import Table, ValueSet
from cds_service.rulebook.edited_line import edited_line
from cds_service.rulebook.lint_subject import Shelf, subject_of
from cds_service.rulebook.reader import RuleFile, read_rule_text
from cds_service.rulebook.rule_report import as_json, as_text, report_of
from cds_service.rulebook.rule_tests import run_cases
from cds_service.rulebook.small_change_score import Score, score
from cds_service.rulebook.small_changes import small_changes
from cds_service.rulebook.source import parse_source
from tests.unit.sample_head import HEAD

PLAIN = Rule(
    id="sample", version="1.0.0", title="", purpose="", owner="", developer="", funding="", released="",
    known_limits=(), hooks=("patient-view",), attributes={}, evidence=(), uses=(), parameters={}, criteria={},
    when=When(Logic(all=("one",)), "no_card", "no_card"), cards=(),
)  # fmt: skip


def changes_of(body: Find | Logic | Hook, **parameters: float) -> list[str]:
    """Descriptions of the changes made to one criterion, without its name."""
    numbers = {name: Parameter(name, value, "days", (0, 99), "") for name, value in parameters.items()}
    rule = replace(PLAIN, criteria={"one": Criterion("one", "", body)}, parameters=numbers)
    return [
        each.description.removeprefix("one: ")
        for each in small_changes(rule)
        if each.place[0] in ("criteria", "parameters")
    ]


# --- criteria ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["find", "code_in", "status", "clinical_status", "verification_status", "reason_in", "answer_in", "sex"]
)
def test_each_of_two_items_of_a_list_is_dropped_once(key):
    find = replace(Find(find=("Condition",)), **{key: ("a", "b")})
    written = {"clinical_status": "clinicalStatus", "verification_status": "verificationStatus"}.get(key, key)
    wanted = [f"'{written}' without a", f"'{written}' without b"]
    assert [each for each in changes_of(find) if each in wanted] == wanted


@pytest.mark.parametrize("key", ["code_not_in", "category_not", "if_", "answer_not_in"])
def test_items_of_lists_that_only_exclude_or_condition_are_not_dropped_one_by_one(key):
    find = replace(Find(find=("Condition",)), **{key: ("a", "b")})
    assert not [each for each in changes_of(find) if "without a" in each]


def test_a_single_item_is_not_dropped():
    assert changes_of(Find(find=("Condition",), code_in=("a",))) == []


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("code_not_in", ("a",), "code_not_in"), ("if_", ("a",), "if"), ("status", ("a",), "status"),
        ("clinical_status", ("a",), "clinicalStatus"), ("verification_status", ("a",), "verificationStatus"),
        ("category_not", ("a",), "category_not"), ("reason_in", ("a",), "reason_in"), ("covers", "p", "covers"),
        ("stale_after", "p", "stale_after"), ("merge_gaps", "p", "merge_gaps"), ("length", Bounds("p"), "length"),
        ("ending", True, "ending"), ("during_last", "p", "during_last"), ("since_start", Bounds("p"), "since_start"),
        ("started_since", "a", "started_since"), ("latest", True, "latest"),
        ("per_upper_limit", "p", "per_upper_limit"),
        ("plausible", Bounds("p"), "plausible"), ("count", Bounds("p"), "count"),
    ],
)  # fmt: skip
def test_a_key_is_dropped(key, value, written):
    find = replace(Find(find=("Condition",)), **{key: value})
    assert [each for each in changes_of(find, p=3) if each.startswith("without")] == [f"without '{written}'"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("value", Bounds("p")), ("age", Bounds("p")), ("sex", ("male",)), ("answer_in", ("a",)), ("code_in", ("a",))],
)
def test_a_key_that_is_not_listed_stays(key, value):
    find = replace(Find(find=("Condition",)), **{key: value})
    assert not [each for each in changes_of(find, p=3) if each.startswith("without")]


def test_a_parameter_moves_by_one_to_both_sides_even_out_of_its_range():
    changes = changes_of(Find(find=("Condition",), during_last="p"), p=0)
    assert [each for each in changes if each.startswith("p:")] == ["p: 0 becomes 1", "p: 0 becomes -1"]


def test_a_parameter_that_no_criterion_uses_stays():
    assert changes_of(Find(find=("Condition",), during_last="today"), p=3) == ["without 'during_last'"]


@pytest.mark.parametrize(
    ("given", "other"),
    [("at_least", "more_than"), ("more_than", "at_least"), ("at_most", "less_than"), ("less_than", "at_most")],
)
@pytest.mark.parametrize("key", ["age", "length", "since_start", "value", "plausible", "count"])
def test_two_bounds_that_differ_at_the_limit_change_places(key, given, other):
    find = replace(Find(find=("Condition",)), **{key: Bounds(**{given: "p"})})
    assert f"'{key}' takes {other} in place of {given}" in changes_of(find, p=3)


def test_the_other_bound_stays_when_one_changes_places():
    find = Find(find=("Observation",), value=Bounds(at_least="p", at_most="q"))
    rule = replace(
        PLAIN,
        criteria={"one": Criterion("one", "", find)},
        parameters={name: Parameter(name, 3, "score", (0, 9), "") for name in "pq"},
    )
    found = [
        each.changed.criteria["one"].body.value for each in small_changes(rule) if "takes more_than" in each.description
    ]
    assert found == [Bounds(more_than="p", at_most="q")]


def test_a_logic_criterion_loses_members_where_two_stand_and_its_count():
    body = Logic(all=("a",), any=("b", "c"), none=("d", "e"), count=Bounds(at_least="p"))
    assert changes_of(body, p=2) == [
        "p: 2 becomes 3", "p: 2 becomes 1", "'any' without b", "'any' without c", "'none' without d",
        "'none' without e", "'count' takes more_than in place of at_least", "without 'count'",
    ]  # fmt: skip


def test_a_hook_criterion_loses_a_hook_where_two_stand():
    assert changes_of(Hook(("patient-view", "order-sign"))) == [
        "'hook' without patient-view", "'hook' without order-sign",
    ]  # fmt: skip


def test_a_change_leaves_everything_else_as_it_was():
    find = Find(find=("Condition",), code_in=("a", "b"), latest=True)
    rule = replace(PLAIN, criteria={"one": Criterion("one", "", find)})
    first = next(iter(small_changes(rule)))
    assert first.changed == replace(rule, criteria={"one": Criterion("one", "", replace(find, code_in=("b",)))})


# --- when and cards ---------------------------------------------------------------------------------------------------


def of_rule(**parts: object) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(each.description, each.place) for each in small_changes(replace(PLAIN, **parts))]  # type: ignore[arg-type]


def test_every_item_of_when_is_dropped_even_a_single_one():
    when = When(Logic(all=("a",), any=("b", "c"), none=("d",)), "no_card", "no_card")
    assert of_rule(when=when)[:-1] == [
        ("when: 'all' without a", ("when", "all", 0)), ("when: 'any' without b", ("when", "any", 0)),
        ("when: 'any' without c", ("when", "any", 1)), ("when: 'none' without d", ("when", "none", 0)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "other"),
    [("card_with_caveat", "no_card"), ("no_card", "card_with_caveat"), ("ask_fetch", "card_with_caveat")],
)
def test_one_policy_for_all_doubt_changes_as_one(policy, other):
    found = of_rule(when=When(Logic(), policy, policy))
    assert found == [(f"when: 'if_unknown' {policy} becomes {other}", ("when", "if_unknown"))]


def test_policies_for_each_sort_of_doubt_change_one_by_one():
    assert of_rule(when=When(Logic(), "ask_fetch", "card_with_caveat")) == [
        ("when: 'if_unknown.unread' ask_fetch becomes card_with_caveat", ("when", "if_unknown", "unread")),
        ("when: 'if_unknown.doubtful' card_with_caveat becomes no_card", ("when", "if_unknown", "doubtful")),
    ]


def test_a_card_loses_each_condition_each_level_but_the_last_and_conditions_of_suggestions():
    card = Card(
        id="c", summary="", indicator=(("critical", "x"), ("warning", "y"), ("info", None)),
        detail=(Line("", Conditions(if_=("line",))),), source=(), override_reasons=(),
        conditions=Conditions(if_=("a", "b"), unless=("d",), if_unknown=("e",)),
        suggestions=(Suggestion("go", Conditions(unless=("f",))),),
    )  # fmt: skip
    assert of_rule(cards=(card,), when=When(Logic(), "no_card", "no_card"))[1:] == [
        ("card c: 'if' without a", ("cards", 0, "if", 0)),
        ("card c: 'if' without b", ("cards", 0, "if", 1)),
        ("card c: 'unless' without d", ("cards", 0, "unless", 0)),
        ("card c: 'if_unknown' without e", ("cards", 0, "if_unknown", 0)),
        ("card c: 'indicator' without critical", ("cards", 0, "indicator", "critical")),
        ("card c: 'indicator' without warning", ("cards", 0, "indicator", "warning")),
        ("card c: suggestion 'go': 'unless' without f", ("cards", 0, "suggestions", 0, "unless", 0)),
    ]


# --- the edited line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "key", "fragment", "edited"),
    [
        ("one: {value: 7, unit: days}", ("one", "value"), "value: 8", "one: {value: 8, unit: days}"),
        ("one: {a: x, codes: [p, q]}", ("one", "codes"), "codes: p", "one: {a: x, codes: p}"),
        ("one: {a: x, codes: [p, q], b: y}", ("one", "codes"), "", "one: {a: x, b: y}"),
        ("one: {a: x, codes: [p, q]}", ("one", "codes"), "", "one: {a: x}"),
        ("one: {codes: {at: p}, b: y}", ("one", "codes", "at"), "over: p", "one: {codes: {over: p}, b: y}"),
        ('one: {a: "x, y", b: z}', ("one", "a"), "", "one: {b: z}"),
        ("during: grace", ("during",), "", "(without 'during')"),
        ("codes: [p,\n  q]", ("codes",), "codes: q", "codes: q"),
        ("codes:\n  - p\n  - q", ("codes",), "codes: q", "codes: q"),
    ],
)
def test_a_missed_change_is_shown_as_the_line_would_read(line, key, fragment, edited):
    source, problems = parse_source(line + "\n", "sample.yaml")
    assert (edited_line(source, key, fragment), problems) == (edited, ())


# --- the score --------------------------------------------------------------------------------------------------------

SETS = {
    name: ValueSet(name, "1.0.0", name, frozenset({Coding("http://snomed.info/sct", name.upper())}))
    for name in ("disorder", "history")
}
TABLE = Table(SETS.values())
FILE = (
    HEAD
    + """\
hooks: [patient-view]
attributes: {race: false, ethnicity: false, language: false, sexual_orientation: false, gender_identity: false,
             sex: false, date_of_birth: false, sdoh: false, health_status_assessments: false}
evidence:
  - {id: a, cite: A, url: "https://example.org/", grade: A, supports: [cards, disorder]}
parameters:
  months: {value: 6, unit: months, range: [1, 12], why: Sample.}
criteria:
  disorder: {says: A disorder, find: Condition, code_in: [disorder, history], since_start: {at_most: months}}
when:
  all: [disorder]
  if_unknown: no_card
cards:
  - id: offer
    summary: Offer
    indicator: info
    detail: [Offer treatment]
    source: a
    override_reasons: [other]
tests:
  base: {today: 2026-03-01, hook: patient-view, Condition: [{in: disorder, start: 6 months ago}]}
  must_fire:
    - {name: six months}
    - {name: history, but: {Condition: [{in: history, start: 1 month ago}]}}
  must_not_fire:
    - {name: a day more, but: {Condition: [{in: disorder, start: 2025-08-31}]}, because: disorder}
  cannot_tell:
    - {name: not read, but: {Condition: unavailable}, because: disorder}
"""
)


def scored(text: str) -> Score:
    file = read_rule_text(text)
    assert not [each for each in file.problems if each.severity == "error"], file.problems
    edition = Edition(file.draft, {}, SETS)
    ran = run_cases(edition, file.cases, TABLE)
    assert not ran.failures
    return score(edition, ran.passing, file.source, TABLE)


def test_a_file_whose_tests_notice_every_change_has_a_full_score():
    # months + 1 and - 1, two items of code_in, the bound, since_start dropped, when.all, if_unknown
    result = scored(FILE)
    assert (result.made, result.caught, result.missed, str(result)) == (8, 8, (), "small changes caught: 8 of 8")


def test_a_change_that_no_test_notices_is_missed_with_its_line():
    result = scored(FILE.replace("    - {name: history, but: {Condition: [{in: history, start: 1 month ago}]}}\n", ""))
    missed = [(each.problem.text, each.problem.line, each.problem.hint) for each in result.missed]
    line = "disorder: {says: A disorder, find: Condition, code_in: disorder, since_start: {at_most: months}}"
    assert missed == [("no test notices: disorder: 'code_in' without history", 21, f"the line would read: {line}")]


def test_a_comment_on_the_line_exempts_a_missed_change():
    text = FILE.replace("    - {name: history, but: {Condition: [{in: history, start: 1 month ago}]}}\n", "")
    allow = "{at_most: months}}  # lint: allow small-change-missed because history is rare"
    result = scored(text.replace("{at_most: months}}", allow))
    assert (str(result), result.missed, result.unneeded) == ("small changes caught: 7 of 8, 1 exempt", (), ())


def test_a_comment_that_exempts_nothing_is_told():
    allow = "{at_most: months}}  # lint: allow small-change-missed because history is rare"
    result = scored(FILE.replace("{at_most: months}}", allow))
    assert [(each.line, each.code) for each in result.unneeded] == [(21, "small-change-missed")]


# --- the report -------------------------------------------------------------------------------------------------------


def file_of(text: str) -> RuleFile:
    return read_rule_text(text, "sample/1.0.0.yaml")


def test_the_report_ends_with_the_score_of_each_file_and_the_total():
    report = report_of(subject_of(file_of(FILE), Shelf(value_sets=SETS)), TABLE)
    assert as_text([report]).splitlines()[-4:] == [
        "sample 1.0.0: tests passed: 4 of 4", "sample 1.0.0: small changes caught: 8 of 8",
        "total: tests passed: 4 of 4", "total: small changes caught: 8 of 8",
    ]  # fmt: skip


def test_a_report_is_not_fine_when_a_test_fails():
    text = FILE.replace("start: 6 months ago", "start: 7 months ago")
    report = report_of(subject_of(file_of(text), Shelf(value_sets=SETS)), TABLE)
    assert (report.fine, as_json([report])["files"][0]["failures"][0]["got"]) == (
        False, "NO, stopped by disorder, no card",
    )  # fmt: skip


def test_a_report_is_not_fine_when_a_change_is_missed():
    text = FILE.replace("    - {name: history, but: {Condition: [{in: history, start: 1 month ago}]}}\n", "")
    assert not report_of(subject_of(file_of(text), Shelf(value_sets=SETS)), TABLE).fine
