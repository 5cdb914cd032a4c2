"""Every code of lint that looks at one file: a wrong line is reported at its line and column; the sample is clean."""

import pytest

from cds_service.rulebook.lint_codes import MEANINGS, severity_of
from tests.unit.rule_texts import (
    DEFINITION,
    RULE,
    changed,
    definition_problems,
    places,
    rule_problems,
)


def _over(old: str, new: str, caret: str) -> tuple[str, str]:
    """Replace a part of the sample and put the caret at words further on or back; gives the two whole texts."""
    assert RULE.count(old) == 1, old
    start = RULE.index(old)
    after, before = RULE.find(caret, start), RULE.rfind(caret, 0, start)
    at = after if after >= 0 else before
    return (
        (RULE[start : at + len(caret)], new + RULE[start + len(old) : at] + "»" + caret)
        if at >= start
        else (RULE[at : start + len(old)], "»" + RULE[at:start] + new)
    )


_SCORE = "find: Observation\n    code_in: score-set\n    status: [final, amended]\n    during_last"
# code, what is replaced, what by; » stands where the caret is wanted.
WRONG = [
    ("unknown-key", "title: A sample", "»titel: A sample"),
    ("unknown-key", "    code_in: problem-set", "    »codes_in: problem-set"),
    ("misplaced-key", "title: A sample\npurpose: Show every key once.", "purpose: Show.\n»title: A sample"),
    (
        "misplaced-key",
        "    find: Patient\n    age: {at_least: minimum_age}",
        "    age: {at_least: minimum_age}\n    »find: Patient",
    ),
    ("duplicate-key", "funding: none", "funding: none\n»funding: a grant"),
    ("missing-key", "schema: 1\nid: sample-rule", "»schema: 1"),
    ("missing-key", "    value: {at_least: score_limit}\n    plausible", "    »plausible"),
    ("missing-key", "any: [at_chart, order]}", "all: [order], »count: {at_least: score_limit}}"),
    ("wrong-type", "released: 2026-01-01", "released: »last year"),
    ("wrong-type", "    label: problem", "    label: »[problem]"),
    ("wrong-type", "hooks: [patient-view, order-sign]", "hooks: [»patient-vew, order-sign]"),
    ("wrong-type", "{value: 90, unit: days", "{value: »90.5, unit: days"),
    ("wrong-type", "delete: order", "delete: »lately"),
    ("yaml-surprise", "label: problem", "label: »NO"),
    ("yaml-surprise", "version: 1.0.0", "version: »1.10"),
    ("yaml-surprise", "    value: 18", "    value: »018"),
    ("bad-name", "  moment: {says", "  »Moment: {says"),
    ("bad-name", "id: sample-rule", "id: »sample_rule"),
    ("two-kinds", "says: The drug is being ordered", "»hook: [order-sign]\n    says: The drug is being ordered"),
    ("two-kinds", "at_chart: {says: The chart is open, hook: [patient-view]}", "at_chart: »{says: The chart is open}"),
    ("two-kinds", "label: Remove the order\n        delete: order", "»label: Remove the order"),
    ("number-not-parameter", "age: {at_least: minimum_age}", "age: {at_least: »18}"),
    ("number-not-parameter", "during_last: recent_days", "during_last: »90 days"),
    ("unknown-parameter", "during_last: recent_days", "during_last: »recent_day"),
    (
        "unused-parameter",
        "  recent_days: {",
        "  »spare: {value: 1, unit: days, range: [1, 2], why: None.}\n  recent_days: {",
    ),
    ("parameter-out-of-range", "{value: 90, unit: days", "{value: »20, unit: days"),
    ("parameter-out-of-range", "range: [16, 21]", "range: »[21, 16]"),
    ("wrong-unit", "since_start: {at_most: recent_days}", "since_start: {at_most: »score_limit}"),
    ("wrong-unit", "age: {at_least: minimum_age}", "age: {at_least: »recent_days}"),
    ("wrong-unit", "value: {at_least: score_limit}", "value: {at_least: »recent_days}"),
    ("wrong-unit", "within: recent_days", "within: »score_limit"),
    (
        "empty-bounds",
        "    value: {at_least: score_limit}",
        "    »value: {at_least: score_limit, less_than: score_limit}",
    ),
    ("empty-bounds", "    value: {at_least: score_limit}", "    »value: {more_than: score_most}"),
    ("unknown-criterion", "none: [score_high]", "none: [»score_hi]"),
    ("unknown-criterion", "drug-status.allergy", "»drug-status.allergies"),
    ("unknown-criterion", "unless: drug-status.allergy", "unless: »drug-statu.allergy"),
    ("unknown-criterion", "because: old_enough", "because: »at_chart"),
    ("unknown-criterion", "because: [lately]", "because: [»latly]"),
    ("unknown-criterion", "score_high, lately]}", "score_high, »latly]}"),
    ("unused-criterion", "  moment: {says", "  »spare: {says: Spare, hook: [order-sign]}\n  moment: {says"),
    (
        "criterion-loop",
        "  moment: {says: The moment fits, any: [at_chart, order]}",
        "  »moment: {says: It fits, any: [order, moment]}",
    ),
    ("no-rows", "  moment: {says", "  rowless: {says: Rowless, find: »at_chart}\n  moment: {says"),
    ("unknown-fact", "find: Condition", "find: »Conditions"),
    ("unknown-fact", "find: draft-order", "find: »draft-orders"),
    ("key-not-for-fact", "    since_start: {at_most: recent_days}", "    »during_last: recent_days"),
    ("key-not-for-fact", "    code_in: drug-a\n  at_chart", "    code_in: drug-a\n    »latest: true\n  at_chart"),
    (
        "key-not-for-fact",
        "    find: Patient\n    age: {at_least: minimum_age}",
        "    find: [Patient, Observation]\n    age: {at_least: minimum_age}\n    »merge_gaps: recent_days",
    ),
    (
        "key-not-for-fact",
        _SCORE,
        _SCORE.replace("Observation", "[Observation, Condition]").replace("during", "»during"),
    ),
    ("unknown-status", "status: [final, amended]", "status: [final, »ammended]"),
    (
        "unknown-status",
        "{in: problem-set, clinicalStatus: active, start: 10 days ago}",
        "{in: problem-set, status: »active}",
    ),
    ("unknown-value-set", "code_in: score-set", "code_in: »score-sett"),
    ("unknown-value-set", "[{in: problem-set,", "[{in: »problem-sett,"),
    (
        "status-misses-fact",
        _SCORE,
        _SCORE.replace("Observation", "[Observation, Procedure]").replace("[final", "»[final"),
    ),
    ("answers-in-pairs", "    answer_in: answer-yes\n    answer_not_in: answer-no\n", "    »answer_in: answer-yes\n"),
    (
        "latest-without-value",
        "    latest: true\n    value: {at_least: score_limit}\n    plausible: {at_most: score_most}\n"
        "    answer_in: answer-yes\n    answer_not_in: answer-no\n",
        "    »latest: true\n",
    ),
    (
        "silent-when-unknown",
        "moment]\n  none: [score_high]\n  if_unknown: no_card",
        "moment, order]\n  if_unknown: »no_card",
    ),
    (
        "settings-missing",
        "hooks: [patient-view, order-sign]\n"
        "settings: {ambulatory: acts, emergency: acts, inpatient: acts, perioperative: acts, unknown: acts}",
        "»hooks: [patient-view, order-sign]",
    ),
    ("missing-key", "{ambulatory: acts, emergency: acts, ", "»{ambulatory: acts, "),
    ("tone", "title: A sample", "title: A sample»!"),
    ("tone", "purpose: Show every key once.", "purpose: Show every key once, »guaranteed."),
    ("duplicate-entry", "status: [final, amended]", "status: [final, amended, »final]"),
    (
        "duplicate-entry",
        "grade: A, supports: [cards, old_enough, score_high, lately]}\n",
        "grade: A, supports: [cards, old_enough, score_high, lately]}\n"
        '  - {id: »guide, cite: B, url: "https://example.org/b", grade: B, supports: [cards]}\n',
    ),
    ("duplicate-entry", "  - id: consider", "  - id: »treated"),
    (
        "duplicate-entry",
        "    - {name: a recent problem, ",
        "    - {name: a recent problem, card: consider}\n    - {name: »a recent problem, ",
    ),
    ("hook-not-run", "hook: [patient-view]}", "hook: [patient-view, »order-select]}"),
    ("hook-not-run", "    hook: patient-view", "    hook: »encounter-discharge"),
    (
        "unused-evidence",
        "evidence:\n",
        'evidence:\n  - {id: »spare, cite: B, url: "https://example.org/b", grade: B, supports: [cards]}\n',
    ),
    ("wrong-type", "released: 2026-01-01", "released: »2026-13-01"),
    ("wrong-type", "today: 2026-03-01", "today: »2026-02-30"),
    ("wrong-type", "start: 10 days ago}]\n  must_fire", "start: »2026-31-01}]\n  must_fire"),
    ("definition-version", "uses: {drug-status: 1}", "uses: {drug-status: »2}"),
    ("definition-version", "uses: {drug-status: 1}", "uses: {drug-status: 1, »drug-state: 1}"),
    ("unpinned", "uses: {drug-status: 1}", "uses: {drug-status: 1, »spare-status: 1}"),
    ("unpinned", "code_in: score-set", "code_in: »spare-set"),
    ("order-without-hook", *_over("hooks: [patient-view, order-sign]", "hooks: [patient-view]", "draft-order")),
    ("attribute-mismatch", "date_of_birth: age floor", "date_of_birth: »false"),
    ("attribute-mismatch", "sex: false", "sex: »a test is offered"),
    ("attribute-mismatch", "  race: false", "  race: »a group"),
    ("unknown-evidence", "source: guide\n    suggestions", "source: »gide\n    suggestions"),
    ("unsupported", *_over("supports: [cards, ", "supports: [", "cards:\n")),
    ("unsupported", *_over("supports: [cards, old_enough, ", "supports: [cards, ", "minimum_age:\n")),
    ("never-holds", "  none: [score_high]", "  none: [score_high, »lately]"),
    ("never-holds", "any: [at_chart, order]", "any: [at_chart, order], all: [lately], none: [»lately]"),
    ("review-overdue", "review_due: 2027-01-02", "review_due: »2026-02-28"),
    ("review-ahead", "{by: A board, date: 2026-01-02}", "{by: A board, date: »2026-03-03}"),
    ("not-reviewed", "reviewed: {by: A board, date: 2026-01-02}\nreview_due: 2027-01-02", "»reviewed: null"),
    ("unknown-placeholder", "at least {minimum_age}", "at least »{minimum_ages}"),
    ("unknown-placeholder", "on {lately.date}", "on »{lately.dates}"),
    ("unknown-placeholder", "on {lately.date}", "on »{lately.value}"),
    ("unguarded-placeholder", '"Ordered: {order.display}."', '"Ordered: {order.display}, »{score_high.display}."'),
    ("unguarded-placeholder", '{if: order, text: "Ordered: ', '{text: "Ordered: »'),
    (
        "summary-too-long",
        '"{lately.display} on {lately.date}"',
        '»"{lately.display} on {lately.date} ' + "x" * 120 + '"',
    ),
    ("unreachable-card", *_over("    if: drug-status.on_drug\n", "", "consider\n")),
    ("no-default-card", *_over("  - id: consider", "  - id: consider\n    if: order", "cards:\n")),
    ("no-otherwise", "{critical: order, info: otherwise}", "»{critical: order}"),
    ("person-first", "label: problem", "label: problem of a »user"),
    ("code-display", "label: problem", "label: »a chronic problem of the sample"),
    ("unknown-reason", "override_reasons: [other]", "override_reasons: [»others]"),
    ("unsafe-suggestion", "        unless: drug-status.allergy\n        create", "        »create"),
    ("unknown-code", "code: rxnorm|111", "code: »rxnorm|112"),
    ("unknown-rule", "yields_to: [other-rule]", "yields_to: [»other-rules]"),
    ("critical-without-fallback", "{critical: order, info: otherwise}", "»critical"),
    ("unknown-card", "card: consider, indicator", "card: »considered, indicator"),
    ("unknown-card", "suggests: [Draft the drug, ", "suggests: [»Draft a drug, "),
    (
        "test-without-because",
        "    - {name: too young, but: {Patient: {birthDate: 2012}}, because: old_enough}",
        "    - »{name: too young}",
    ),
]


def test_the_sample_rule_and_definition_have_no_problem():
    assert [str(each) for each in (*rule_problems(RULE), *definition_problems(DEFINITION))] == []


def test_every_code_that_looks_at_one_file_has_a_wrong_example():
    elsewhere = {
        "bad-yaml", "unused-allow", "sets-overlap", "duplicate-topic", "rule-loop", "changed-after-release",
        "definition-loop", "version-too-small", "untested-verdict", "small-change-missed", "site-not-allowed",
    }  # fmt: skip
    assert {code for code, _, _ in WRONG} == MEANINGS.keys() - elsewhere


@pytest.mark.parametrize(("code", "old", "new"), WRONG)
def test_a_wrong_line_is_reported_at_its_place(code, old, new):
    text, line, column = changed(old, new)
    assert (code, line, column) in places(rule_problems(text))


@pytest.mark.parametrize(("code", "old", "new"), WRONG)
def test_the_problem_has_the_severity_of_its_code(code, old, new):
    text, _, _ = changed(old, new)
    warnings = {each.code for each in rule_problems(text) if each.severity == "warning"}
    assert (code in warnings) is (severity_of(code) == "warning")


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("age: {at_least: minimum_age}", "age: {at_least: »18}", "did you mean 'minimum_age'?"),
        ("override_reasons: [other]", "override_reasons: [»declned]", "the list has: already-addressed, other"),
        ("age: {at_least: minimum_age}", "age: {at_least: »17}", "give the number a name under `parameters`"),
        ("{value: 90, unit: days", "{value: 90, unit: day", "did you mean 'days'?"),
        (
            "{says: The chart is open, hook: [patient-view]}",
            "{says: The chart, »or a part of it, hook: [patient-view]}",
            "quote text that holds a comma, a colon or a brace",
        ),
    ],
)
def test_a_slip_brings_the_nearest_fix(old, new, hint):
    text, _, _ = changed(old, new)
    assert any(each.hint.endswith(hint) for each in rule_problems(text))


def test_a_number_in_place_of_a_parameter_is_told_once_and_not_as_bounds():
    text, line, _ = changed("age: {at_least: minimum_age}", "age: {at_least: »18}")
    assert {each.code for each in rule_problems(text) if each.line == line} == {"number-not-parameter"}


def test_a_misspelt_unit_is_told_once_where_it_stands():
    text, line, column = changed("recent_days: {value: 90, unit: days", "recent_days: {value: 90, unit: »day")
    wrong = [(each.line, each.column) for each in rule_problems(text) if each.code == "wrong-unit"]
    assert wrong == [(line, column)]


def test_a_unit_that_does_not_fit_a_key_is_told_with_the_line_where_it_stands():
    text, line, _ = changed("recent_days: {value: 90, unit: days", "recent_days: {value: 90, unit: »years")
    changed_text = text.replace("age: {at_least: minimum_age}", "age: {at_least: recent_days}").replace(
        "years,", "weeks,"
    )
    (wrong,) = [each for each in rule_problems(changed_text) if each.code == "wrong-unit"]
    assert wrong.hint == f"its unit stands in line {line}"


def test_a_card_whose_sources_do_not_support_the_cards_has_no_basis():
    second = '  - {id: other, cite: B, url: "https://example.org/b", grade: B, supports: [lately]}\nuses:'
    text = RULE.replace("uses:", second, 1).replace("source: guide\n    suggestions", "source: other\n    suggestions")
    found = [each for each in rule_problems(text) if each.code == "unsupported"]
    assert [each.text for each in found] == ["no source of 'consider' supports the cards"]
    assert found[0].source_line == "    source: other"


def test_evidence_on_which_only_unused_criteria_rest_supports_nothing():
    second = '  - {id: other, cite: B, url: "https://example.org/b", grade: B, supports: [spare]}\nuses:'
    spare = "criteria:\n  spare: {says: The chart is open, hook: patient-view}\n"
    text = RULE.replace("uses:", second, 1).replace("criteria:\n", spare)
    assert {each.code for each in rule_problems(text)} == {"unused-criterion", "unused-evidence"}


def test_evidence_that_no_card_names_is_used_when_a_criterion_in_use_rests_on_it():
    second = '  - {id: other, cite: B, url: "https://example.org/b", grade: B, supports: [lately]}\nuses:'
    assert rule_problems(RULE.replace("uses:", second, 1)) == []
