"""Lines that look like a fault and are none, and finer points of single checks."""

import pytest

from cds_service.rulebook.lint import lint_subject
from cds_service.rulebook.lint_rule import ahead, overdue
from cds_service.rulebook.lint_subject import reached, resolve, row_facts, subject_of
from cds_service.rulebook.reader import read_rule_text
from tests.unit.rule_texts import DEFINITION, RULE, SHELF, TODAY, changed, definition_problems, rule_problems

_CARE = "if_unknown: card_with_caveat"
_UNLESS = "        unless: drug-status.allergy\n"
_POOLED = "find: [medication-use, draft-order]\n    during_last: recent_days"

# A code, and changes after which a rule must not have a problem of this code.
RIGHT = [
    ("misplaced-key", ("{id: guide, cite: A guide", "{cite: A guide, id: guide")),
    ("two-kinds", ("any: [at_chart, order]", "all: [order], none: [at_chart]")),
    ("yaml-surprise", ("    label: problem", '    label: "on"')),
    ("number-not-parameter", ("start: 10 days ago", "start: 2025")),
    ("unused-parameter", ("    value: {at_least: score_limit}\n", ""), ("Nothing to do.", "Below {score_limit}.")),
    ("wrong-unit", ("value: {at_least: score_limit}", "value: {at_least: score_most}")),
    ("empty-bounds", ("since_start: {at_most: recent_days}", "since_start: {at_least: recent_days}")),
    ("empty-bounds", ("age: {at_least: minimum_age}", "age: {at_least: minimum_age, at_most: minimum_age}")),
    ("unknown-criterion", ("because: [lately]", "because: drug-status.current")),
    ("key-not-for-fact", ("find: draft-order\n    code_in: drug-a", _POOLED)),
    (
        "key-not-for-fact",
        ("    clinicalStatus: active\n    since", "    clinicalStatus: active\n    merge_gaps: recent_days\n    since"),
    ),
    ("unknown-status", ("find: draft-order", "find: [draft-order, medication-use]\n    status: [selected, taking]")),
    ("status-misses-fact", ("find: draft-order", "find: [draft-order, Condition]\n    status: [selected]")),
    ("latest-without-value", ("    value: {at_least: score_limit}\n    plausible: {at_most: score_most}\n", "")),
    ("silent-when-unknown", ("moment]\n  none: [score_high]\n  if_unknown: no_card", f"moment, order]\n  {_CARE}")),
    ("silent-when-unknown", ("any: [at_chart, order]", "all: [at_chart], none: [order]")),
    ("order-without-hook", ("hooks: [patient-view, order-sign]", "hooks: [order-select]")),
    ("attribute-mismatch", ("sdoh: false", "sdoh: housing"), ("assessments: false", "assessments: a score")),
    ("unsupported", ("supports: [cards, old_enough,", "supports: [cards, minimum_age,")),
    ("unguarded-placeholder", ("    if: drug-status.on_drug", "    if: drug-status.current")),
    (
        "unreachable-card",
        ("    if: drug-status.on_drug\n", "    if: order\n"),
        ("id: consider\n", "id: consider\n    if: score_high\n"),
    ),
    ("no-default-card", ("id: consider\n", "id: consider\n    if: lately\n")),
    ("unsafe-suggestion", (_UNLESS, ""), ("text: Drug A,", "text: Drug A, do_not_perform: true,")),
    (
        "unsafe-suggestion",
        (_UNLESS, ""),
        ("MedicationRequest, code: rxnorm|111", "ServiceRequest, code: snomed|222"),
    ),
    ("critical-without-fallback", ("    indicator: info", "    indicator: critical")),
    ("never-holds", ("any: [at_chart, order]", "any: [at_chart, order], none: [order]")),
    ("review-overdue", ("review_due: 2027-01-02", "review_due: 2026-03-01")),
    ("review-ahead", ("date: 2026-01-02", "date: 2026-03-02")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "changes"), [(code, changes) for code, *changes in RIGHT])
def test_a_line_that_looks_like_a_fault_is_none(code, changes):
    text = RULE
    for old, new in changes:
        text, _, _ = changed(old, new, text)
    assert [str(each) for each in rule_problems(text) if each.code == code] == []


@pytest.mark.parametrize(
    ("count", "told"),
    [
        ("{at_least: one}", False),
        ("{at_least: two}", False),
        ("{at_least: three}", True),
        ("{at_least: none_at_all}", True),
        ("{at_most: two}", True),
        ("{at_most: none_at_all}", False),
        ("{less_than: none_at_all}", True),
        ("{more_than: one}", False),
        ("{more_than: one, at_most: two}", False),
        ("{more_than: one, less_than: two}", True),
    ],
)
def test_a_count_of_members_lies_between_none_and_all(count, told):
    given = {"one": 1, "two": 2, "three": 3, "none_at_all": 0}
    lines = "".join(
        f"  {name}: {{value: {value}, unit: count, range: [0, 3], why: So.}}\n" for name, value in given.items()
    )
    text, _, _ = changed("parameters:\n", "parameters:\n" + lines)
    text, _, _ = changed("any: [at_chart, order]", f"any: [at_chart, order], count: {count}", text)
    assert ("empty-bounds" in {each.code for each in rule_problems(text)}) is told


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ("{at_least: weeks_one, at_most: recent_days}", False),
        ("{at_least: years_one, at_most: recent_days}", True),
        ("{more_than: recent_days, less_than: recent_days}", True),
    ],
)
def test_durations_in_different_units_are_compared(bounds, told):
    more = "parameters:\n  weeks_one: {value: 1, unit: weeks, range: [1, 1], why: So.}\n"
    more += "  years_one: {value: 1, unit: years, range: [1, 1], why: So.}\n"
    text, _, _ = changed("parameters:\n", more)
    text, _, _ = changed("since_start: {at_most: recent_days}", f"since_start: {bounds}", text)
    assert ("empty-bounds" in {each.code for each in rule_problems(text)}) is told


@pytest.mark.parametrize(
    ("unit", "told"),
    [("times", []), ("score", ["'score_limit' is in score; wanted times, since per_upper_limit counts multiples"])],
)
def test_a_value_per_upper_limit_is_in_times(unit, told):
    text, _, _ = changed("{value: 10, unit: score", f"{{value: 10, unit: {unit}")
    text, _, _ = changed("    plausible: {at_most: score_most}", "    per_upper_limit: score_most", text)
    assert [each.text for each in rule_problems(text) if each.code == "wrong-unit"] == told


def test_a_card_for_each_member_of_an_any_covers_the_rule():
    text, _, _ = changed(
        "  - id: consider", "  - id: at-order\n    if: order" + _rest() + "  - id: consider\n    if: at_chart"
    )
    assert "no-default-card" not in {each.code for each in rule_problems(text)}


def test_no_member_need_hold_on_unknown_so_a_caveat_wants_a_card_without_conditions():
    text, _, _ = changed(
        "  - id: consider", "  - id: at-order\n    if: order" + _rest() + "  - id: consider\n    if: at_chart"
    )
    text, _, _ = changed("if_unknown: no_card", _CARE, text)
    assert "no-default-card" in {each.code for each in rule_problems(text)}


def _rest():
    return "\n    summary: x\n    indicator: info\n    detail: x\n    source: guide\n    override_reasons: other\n"


def test_a_placeholder_of_what_the_card_says_is_unknown_is_unguarded():
    text, _, _ = changed("    if: drug-status.on_drug\n", "    if_unknown: lately\n")
    text, _, _ = changed('"{drug-status.current.display} is current"', '"{lately.display} is unclear"', text)
    assert [each.text for each in rule_problems(text) if each.code == "unguarded-placeholder"] == [
        "'{lately.display}' may be empty: 'lately' is not sure to hold here"
    ]


def test_a_loop_is_told_once():
    text, _, _ = changed("any: [at_chart, order]", "any: [at_chart, other]")
    text, _, _ = changed("when:\n", "  other: {says: x, all: [moment]}\nwhen:\n", text)
    loops = [each.text for each in rule_problems(text) if each.code == "criterion-loop"]
    assert loops == ["'moment' leads back to itself: moment -> other -> moment"]


def test_an_unpinned_value_set_is_told_once_for_each_file():
    text, _, _ = changed("code_in: score-set", "code_in: spare-set")
    text, _, _ = changed("code_in: problem-set", "code_in: spare-set", text)
    assert [each.code for each in rule_problems(text)].count("unpinned") == 1


def test_a_definition_that_is_not_there_is_told_once_at_uses():
    text, _, _ = changed("uses: {drug-status: 1}", "uses: {drug-status: 3}")
    assert [each.code for each in rule_problems(text) if each.severity == "error"].count("definition-version") == 1
    assert "unknown-criterion" not in {each.code for each in rule_problems(text)}


def test_criteria_of_a_definition_need_no_use_and_its_cards_no_support():
    assert definition_problems(DEFINITION) == []


def test_parameters_of_a_definition_need_support_too():
    text, _, _ = changed("supports: [current, grace_days]", "supports: [drug]", DEFINITION)
    assert [each.code for each in definition_problems(text)] == ["unsupported"]


def test_a_reviewed_file_must_say_when_the_next_review_is_due():
    text, line, column = changed(
        "reviewed: {by: A board, date: 2026-01-02}\nreview_due: 2027-01-02\n", "»reviewed: {by: A, date: 2026-01-02}\n"
    )
    assert [(each.code, each.line, each.column) for each in rule_problems(text)] == [("missing-key", line, column)]


def test_the_day_of_review_is_judged_only_when_a_day_is_given():
    subject = subject_of(read_rule_text(changed("review_due: 2027-01-02", "review_due: 2020-01-02")[0]), SHELF)
    assert "review-overdue" not in {each.code for each in lint_subject(subject)}
    assert [each.code for each in overdue(subject, TODAY)] == ["review-overdue"]


def test_a_review_to_come_is_told_only_when_a_day_is_given():
    subject = subject_of(read_rule_text(changed("date: 2026-01-02", "date: 2026-03-03")[0]), SHELF)
    assert "review-ahead" not in {each.code for each in lint_subject(subject)}
    assert [each.code for each in ahead(subject, TODAY)] == ["review-ahead"]


def test_a_dotted_name_is_of_the_definition_that_uses_fixes():
    rule = read_rule_text(RULE).draft
    owner, criterion = resolve(rule, "drug-status.current", SHELF)
    assert (owner.id, criterion.name) == ("drug-status", "current")
    assert resolve(rule, "current", SHELF) is None


def test_the_facts_of_a_criterion_are_those_of_all_that_it_pools():
    rule = read_rule_text(RULE).draft
    assert row_facts(rule, "drug-status.on_drug", SHELF) == {"medication-use"}
    assert row_facts(rule, "at_chart", SHELF) == set()
    assert row_facts(rule, "moment", SHELF) == {"draft-order"}


def test_what_a_criterion_reaches_goes_through_definitions():
    found = reached(read_rule_text(RULE).draft, ("drug-status.on_drug",), SHELF)
    assert set(found) == {("drug-status", "on_drug"), ("drug-status", "current"), ("drug-status", "drug")}


HINTS = [
    ("code_in: score-set", "code_in: score-sett", "did you mean 'score-set'?"),
    ("code_in: score-set", "code_in: spare-sett", "did you mean 'spare-set'?"),
    ("during_last: recent_days", "during_last: recent_day", "did you mean 'recent_days'?"),
    ("find: Condition", "find: Conditions", "did you mean 'Condition'?"),
    ("none: [score_high]", "none: [score_hig]", "did you mean 'score_high'?"),
    ("none: [score_high]", "none: [allergy]", "did you mean 'drug-status.allergy'?"),
    ("unless: drug-status.allergy", "unless: drug-status.alergy", "did you mean 'allergy'?"),
    ("unless: drug-status.allergy", "unless: drug-state.allergy", "did you mean 'drug-status'?"),
    ("unless: drug-status.allergy", "unless: elsewhere.allergy", "name 'elsewhere' under `uses`"),
    ("uses: {drug-status: 1}", "uses: {drug-status: 2}", "released: 1"),
    ("status: [final, amended]", "status: [final, amend]", "did you mean 'amended'?"),
    ("start: 10 days ago}", "status: active}", "it has no `status`"),
    ("override_reasons: [other]", "override_reasons: [othr]", "did you mean 'other'?"),
    ("yields_to: [other-rule]", "yields_to: [other-rul]", "did you mean 'other-rule'?"),
    ("hooks: [patient-view, order-sign]", "hooks: [patient-view, order-sing]", "did you mean 'order-sign'?"),
    ("indicator: info\n    detail: N", "indicator: inf\n    detail: N", "did you mean 'info'?"),
    ("{minimum_age} only", "{minimum_ag} only", "did you mean 'minimum_age'?"),
    ("on {lately.date}", "on {lately.dat}", "did you mean 'lately.date'?"),
]


@pytest.mark.parametrize(("old", "new", "hint"), HINTS)
def test_the_hint_is_the_nearest_right_name(old, new, hint):
    assert hint in [each.hint for each in rule_problems(changed(old, new)[0])]


def test_an_answer_in_no_value_set_is_written_as_other():
    rows = "Observation: [{in: score-set, answer: other, reason: other}]"
    text, _, _ = changed("but: {Condition: unavailable}", f"but: {{Condition: unavailable, {rows}}}")
    assert rule_problems(text) == []


def test_other_is_no_value_set_that_a_row_could_be_in():
    text, line, column = changed("[{in: problem-set,", "[{in: »other,")
    found = {(each.code, each.line, each.column) for each in rule_problems(text)}
    assert found == {("unknown-value-set", line, column)}


def test_no_days_is_a_whole_number_of_days():
    text, _, _ = changed("{value: 90, unit: days, range: [30, 180]", "{value: 0, unit: days, range: [0, 180]")
    assert rule_problems(text) == []


def test_evidence_of_a_definition_supports_no_cards():
    text, line, column = changed("supports: [current, grace_days]", "supports: [current, »cards]", DEFINITION)
    found = {(each.code, each.line, each.column) for each in definition_problems(text)}
    assert found == {("unknown-criterion", line, column)}
