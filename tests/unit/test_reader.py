"""Rule and definition files as frozen data, and what is said when a value is of the wrong form."""

import pytest

from cds_service.core.dates import Duration
from cds_service.core.rule import Bounds, Conditions, Create, Find, Hook, Line, Logic, Parameter, Uses
from cds_service.rulebook.case import CaseRow
from cds_service.rulebook.reader import (
    read_definition_file,
    read_definition_text,
    read_rule_file,
    read_rule_text,
)
from tests.unit.rule_texts import DEFINITION, RULE, changed


def problems(old, new, text=RULE):
    """Give "code: text" and the hint of each problem of form after a change."""
    return [(f"{each.code}: {each.text}", each.hint) for each in read_rule_text(changed(old, new, text)[0]).problems]


def case(but, base="", text=RULE):
    """Give the facts of a test whose `but` is given."""
    old = "{name: too young, but: {Patient: {birthDate: 2012}}, because: old_enough}"
    file = read_rule_text(changed(old, f"{{name: x, but: {but}, because: old_enough}}", text)[0])
    assert [str(each) for each in file.problems] == []
    return next(each for each in file.cases if each.name == "x").facts


def test_a_find_criterion_has_every_key_where_it_belongs():
    assert read_rule_text(RULE).rule.criteria["score_high"].body == Find(
        find=("Observation",),
        code_in=("score-set",),
        status=("final", "amended"),
        during_last="recent_days",
        latest=True,
        value=Bounds(at_least="score_limit"),
        plausible=Bounds(at_most="score_most"),
        answer_in=("answer-yes",),
        answer_not_in=("answer-no",),
    )


def test_says_and_label_are_those_of_the_criterion():
    criterion = read_rule_text(RULE).rule.criteria["lately"]
    assert (criterion.name, criterion.says, criterion.label) == (
        "lately",
        "A problem in the last {recent_days}",
        "problem",
    )


def test_logic_and_hook_criteria_are_told_apart_by_their_keys():
    criteria = read_rule_text(RULE).rule.criteria
    assert criteria["moment"].body == Logic(any=("at_chart", "order"))
    assert criteria["at_chart"].body == Hook(("patient-view",))


def test_parameters_carry_their_name_range_and_reason():
    wanted = Parameter("minimum_age", 18.0, "years", (16.0, 21.0), "Adults only.")
    assert read_rule_text(RULE).rule.parameters["minimum_age"] == wanted


def test_one_policy_for_the_unknown_counts_for_both_sorts_of_doubt():
    when = read_rule_text(RULE).rule.when
    assert (when.unread, when.doubtful) == ("no_card", "no_card")


def test_each_sort_of_doubt_can_have_its_policy():
    text, _, _ = changed("if_unknown: no_card", "if_unknown: {unread: ask_fetch, doubtful: card_with_caveat}")
    when = read_rule_text(text).rule.when
    assert (when.unread, when.doubtful) == ("ask_fetch", "card_with_caveat")


def test_an_indicator_runs_from_the_highest_level_down():
    text, _, _ = changed("{critical: order, info: otherwise}", "{info: otherwise, critical: order}")
    assert read_rule_text(text).rule.cards[1].indicator == (("critical", "order"), ("info", None))


def test_an_indicator_of_one_word_is_its_own_otherwise():
    assert read_rule_text(RULE).rule.cards[0].indicator == (("info", None),)


def test_lines_of_a_card_are_texts_or_texts_with_conditions():
    assert read_rule_text(RULE).rule.cards[1].detail == (
        Line("Ordered: {order.display}.", Conditions(if_=("order",))),
        Line("People over {minimum_age} only."),
    )


def test_a_suggestion_drafts_or_removes():
    first, second = read_rule_text(RULE).rule.cards[1].suggestions
    system = "http://www.nlm.nih.gov/research/umls/rxnorm"
    assert first.create == Create("MedicationRequest", "Drug A", (system, "111"), within="recent_days", reason="lately")
    assert (second.create, second.delete) == (None, "order")


def test_one_item_may_stand_alone_where_a_list_is_taken():
    card = read_rule_text(RULE).rule.cards[0]
    assert (card.detail, card.source, card.override_reasons) == ((Line("Nothing to do."),), ("guide",), ("other",))


def test_an_attribute_is_none_or_a_phrase():
    attributes = read_rule_text(RULE).rule.attributes
    assert (attributes["race"], attributes["date_of_birth"]) == (None, "age floor")


def test_a_definition_has_its_own_criteria_and_uses():
    definition = read_definition_text(DEFINITION).definition
    assert (definition.id, list(definition.criteria)) == ("drug-status", ["drug", "current", "allergy", "on_drug"])
    assert read_rule_text(RULE).rule.uses == (Uses("drug-status", 1),)


def test_whole_keys_of_but_replace_those_of_base():
    facts = case("{Condition: [{in: problem-set, start: 2025}]}")
    assert facts["Condition"] == (CaseRow(in_=("problem-set",), start="2025"),)
    assert facts["Patient"] == (CaseRow(birth_date="1990-05-05"),)


def test_a_list_that_is_unavailable_is_none_and_an_item_is_a_part_not_read():
    facts = case("{Condition: unavailable, Observation: [{in: score-set, value: 3}, unavailable, unreadable]}")
    assert facts["Condition"] is None
    assert facts["Observation"] == (
        CaseRow(in_=("score-set",), value=3.0),
        CaseRow(part="unavailable"),
        CaseRow(part="unreadable"),
    )


def test_a_row_of_a_test_has_all_its_keys():
    facts = case(
        "{medication-use: [{code: rxnorm|111, text: A drug, status: past, start: 36 days ago, end: today,"
        " supply: 30 days, repeats: 2, reason: other}], Observation: [{in: [score-set, drug-a],"
        " value: '> 150', unit: U/L, upper_limit: 40, answer: answer-yes}],"
        " Condition: [{in: problem-set, clinicalStatus: active, verificationStatus: refuted,"
        " category: problem-list-item}]}"
    )
    code = ("http://www.nlm.nih.gov/research/umls/rxnorm", "111")
    assert facts["medication-use"] == (
        CaseRow(
            code=code, text="A drug", status="past", start="36 days ago", end="today", supply=Duration(30, "days"),
            repeats=2, reason="other",
        ),
    )  # fmt: skip
    assert facts["Observation"] == (
        CaseRow(in_=("score-set", "drug-a"), value="> 150", unit="U/L", upper_limit=40.0, answer="answer-yes"),
    )
    assert facts["Condition"] == (
        CaseRow(
            in_=("problem-set",), clinical_status="active", verification_status="refuted",
            category=("problem-list-item",),
        ),
    )  # fmt: skip


def test_what_a_test_wants_is_kept_as_written():
    first, second, third = read_rule_text(RULE).cases
    assert (first.list_name, first.card, first.indicator) == ("must_fire", "consider", "info")
    assert first.suggests == ("Draft the drug", "Remove the order")
    assert (second.because, second.suggests, third.because) == (("old_enough",), None, ("lately",))


def test_a_test_knows_its_line():
    line = RULE[: RULE.index("{name: too young")].count("\n") + 1
    assert read_rule_text(RULE).cases[1].line == line


def test_a_wish_for_no_suggestion_differs_from_no_wish():
    text, _, _ = changed("suggests: [Draft the drug, Remove the order]", "suggests: []")
    assert read_rule_text(text).cases[0].suggests == ()


def test_all_problems_of_a_file_are_told_at_once_in_the_order_of_lines():
    text, _, _ = changed("title: A sample", "titel: A sample")
    text, _, _ = changed("find: Patient", "find: Patient\n    bogus: 1", text)
    text, _, _ = changed("[Draft the drug, Remove the order]}", "[Draft the drug], carrd: x}", text)
    codes = [(each.code, each.line) for each in read_rule_text(text).problems]
    assert [code for code, _ in codes] == ["missing-key", "unknown-key", "unknown-key", "unknown-key"]
    assert [line for _, line in codes] == sorted(line for _, line in codes)


def test_a_file_with_a_problem_gives_no_rule_but_what_could_be_read():
    file = read_rule_text(changed("find: Patient", "find: Patient\n    bogus: 1")[0])
    assert file.rule is None
    assert file.draft.criteria["old_enough"].body.age == Bounds(at_least="minimum_age")


def test_an_unknown_key_is_told_with_the_nearest_name():
    assert problems("funding: none", "funding: none\nrelased: 2026-01-01") == [
        ("unknown-key: a rule file has no key 'relased'", "did you mean 'released'?")
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    label: problem", "    label: on", "yaml-surprise: YAML would not read 'on' as this text"),
        ("    label: problem", "    label: 12:30", "yaml-surprise: YAML would not read '12:30' as this text"),
        ("    label: problem", "    label: 1e3", "yaml-surprise: YAML would not read '1e3' as this text"),
        ("    label: problem", "    label: 7", "yaml-surprise: YAML would not read '7' as this text"),
        ("    label: problem", "    label:", "wrong-type: nothing stands here; wanted one line of text"),
        ("    label: problem", "    label: null", "wrong-type: 'null' stands here; wanted one line of text"),
        (
            "    label: problem",
            '    label: "a\\nb"',
            "wrong-type: several lines stand here; wanted one line of text on one line",
        ),
        ("version: 1.0.0", "version: 1.0", "yaml-surprise: YAML would not read '1.0' as this text"),
        ("version: 1.0.0", "version: 1.00.0", "bad-name: '1.00.0' is not a version of three parts, such as 1.0.0"),
        ("    value: 18", "    value: 0x12", "yaml-surprise: YAML programs read '0x12' in different ways"),
        ("    value: 18", "    value: 1_8", "yaml-surprise: YAML programs read '1_8' in different ways"),
        ("    value: 18", '    value: "18"', "wrong-type: '18' stands here; wanted a number"),
        ("schema: 1\n", "schema: 2\n", "wrong-type: '2' stands here; wanted 1"),
        ("range: [16, 21]", "range: [16]", "wrong-type: the list has 1 of at least 2 items"),
        ("race: false", "race: no", "yaml-surprise: YAML would not read 'no' as this text"),
        ("latest: true", "latest: yes", "wrong-type: 'yes' stands here; wanted `true`"),
        ("latest: true", 'latest: "true"', "wrong-type: 'true' stands here; wanted `true`"),
        ("uses: {drug-status: 1}", "uses: [drug-status]", "wrong-type: a list stands here; wanted a block of names"),
        ("start: 10 days ago", "start: ten days ago", "wrong-type: 'ten days ago' is not a date, such as 36 days ago"),
    ],
)
def test_a_value_of_the_wrong_form_tells_what_was_found_and_wanted(old, new, told):
    found = [text for text, _ in problems(old, new)]
    assert found == [told]


@pytest.mark.parametrize("text", ["2026", "2026-02", "2026-02-03", "today", "1 day ago", "14 months ago"])
def test_dates_of_tests_stay_text(text):
    assert case(f"{{Condition: [{{in: problem-set, start: {text}}}]}}")["Condition"][0].start == text


def test_a_quoted_text_is_never_a_surprise():
    assert problems("    label: problem", '    label: "NO"') == []


def test_a_test_without_a_day_is_told():
    assert [text for text, _ in problems("    today: 2026-03-01\n", "")] == ["missing-key: the test has no 'today'"] * 3


def test_the_id_and_version_are_those_of_the_place(tmp_path):
    path = tmp_path / "other-rule" / "1.0.1.yaml"
    path.parent.mkdir()
    path.write_text(RULE)
    found = [(each.code, each.line, each.hint) for each in read_rule_file(path).problems]
    assert found == [("bad-name", 2, "wanted 'other-rule'"), ("bad-name", 3, "wanted '1.0.1'")]


def test_a_definition_at_its_place_is_read_without_problems(tmp_path):
    path = tmp_path / "drug-status" / "1.2.0.yaml"
    path.parent.mkdir()
    path.write_text(DEFINITION)
    assert read_definition_file(path).problems == ()


def test_a_file_that_is_only_a_list_is_told_in_one_problem():
    file = read_rule_text("- a\n- b\n")
    assert [each.text for each in file.problems] == ["a list stands here; wanted a rule file"]
    assert file.rule is None
