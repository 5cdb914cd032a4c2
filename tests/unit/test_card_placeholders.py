"""Placeholders of card texts, filled from what a rule found."""

from dataclasses import replace

import pytest

from cds_service.core.card_text import markdown
from cds_service.core.dates import parse_span
from cds_service.core.engine import compile_edition, judge
from cds_service.core.facts import Number
from cds_service.core.placeholders import Voice, fill, sentence
from cds_service.core.printing import text_of
from cds_service.core.rule import Edition, Uses
from tests.unit.card_world import (
    DEFINITION,
    RULE,
    TABLE,
    TODAY,
    VALUE_SETS,
    alt,
    chart,
    concept,
    condition,
    decided,
    find,
    opioid,
    order,
    urine,
)


def filled(template, *rows, hide=False, rule=RULE):
    text = text_of(template, rule.parameters)
    return fill(text, Voice(decided(*rows, rule=rule).judgement, markdown, hide))


def opioids(*names):
    return [opioid(name, reference=f"MedicationRequest/{position}") for position, name in enumerate(names)]


def test_a_parameter_is_filled_with_its_unit():
    assert filled("{days}, {one_day}, {times}", order()) == "14 days, 1 day, 5 times"


def test_a_sentence_of_a_definition_uses_the_parameters_of_the_definition():
    judgement = decided(order()).judgement
    assert sentence("treatment-status.treated", Voice(judgement, markdown)) == "Treatment ran in the last 30 days"


def test_a_sentence_uses_the_parameters_of_the_version_that_the_rule_uses():
    grace = replace(DEFINITION.parameters["grace"], value=45)
    treated = replace(DEFINITION.criteria["treated"])
    newer = replace(DEFINITION, version="2.0.0", parameters={"grace": grace}, criteria={"treated": treated})
    rule = replace(RULE, uses=(Uses("treatment-status", 2),))
    definitions = {("treatment-status", 1): DEFINITION, ("treatment-status", 2): newer}
    judgement = judge(compile_edition(Edition(rule, definitions, VALUE_SETS), TABLE), chart(order()), TODAY)
    assert sentence("treatment-status.treated", Voice(judgement, markdown)) == "Treatment ran in the last 45 days"


def test_a_drug_is_called_by_its_name_on_record():
    assert filled("{drug.display}", opioid("oxyCODONE *IR* 5 mg")) == r"oxyCODONE \*IR\* 5 mg"


def test_a_criterion_with_a_label_is_called_by_it():
    assert filled("{test.display}", urine()) == "urine test"


def test_a_row_without_name_or_label_is_called_by_its_value_set():
    assert filled("{oud.display}", condition()) == "opioid use disorder"


def test_a_code_display_from_the_chart_is_never_printed():
    row = condition(concept=concept("oud", texts=["Opioid addiction, active"]))
    assert "addiction" not in filled("{oud.display}", row)


def test_more_than_three_names_are_counted():
    assert filled("{drug.display}", *opioids("a", "b", "c", "d", "e")) == "a, b, c and 2 more"


def test_a_logic_criterion_is_called_by_its_members_that_hold():
    assert filled("{opioid.display}", opioid(), urine()) == "oxycodone 5 mg tablet and urine test"


def test_a_member_that_does_not_hold_is_not_named():
    assert filled("{opioid.display}", opioid(), urine("negative")) == "oxycodone 5 mg tablet"


def test_the_date_is_of_the_latest_row():
    rows = [opioid(reference="MedicationRequest/1", start="2026-02-20", end=None, status="taking"), opioid()]
    assert filled("{drug.date} {drug.days}", *rows) == "2026-02-20 9 days"


def test_a_sure_row_is_spoken_of_before_a_later_doubtful_one():
    doubtful = opioid("later", "2026-02-25", reference="MedicationRequest/2", status=None)
    assert filled("{drug.display} {drug.date}", opioid(), doubtful) == "oxycodone 5 mg tablet 2026-02-01"


def test_a_partial_date_stays_partial_and_its_days_a_range():
    row = opioid(start="2026-01", end=parse_span("2026-02-25"))
    assert filled("{drug.date}, {drug.days}", row) == "2026-01, 29 to 59 days"


def test_an_entry_without_any_date_has_an_unknown_date():
    row = opioid(start=None, end=None, status="taking")
    assert filled("{drug.date}, {drug.days}", row) == "an unknown date, an unknown number of days"


def test_a_length_is_told_in_days():
    assert filled("{drug.length}", opioid()) == "18 days"


def test_a_count_is_of_the_sure_rows():
    assert filled("{repeat.count}", *opioids("a", "b")) == "2"


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (alt(201), "201 U/L (5.03 times the upper limit)"),
        (alt(201, upper_limit=Number(33, 33, unit="U/L")), "201 U/L (6.09 times the upper limit)"),
        (alt(0, value=Number(5, 5, unit="ukat/L")), "5 ukat/L (7.5 times the upper limit)"),
        (alt(0, value=Number(400, float("inf"), low_open=True, unit="U/L")), "more than 400 U/L"),
    ],
)
def test_a_value_is_told_with_unit_and_multiple_of_the_limit(row, wanted):
    assert filled("{liver.value}", row) == wanted


def test_an_answer_is_told_by_the_title_of_its_list():
    assert filled("{test.value}", urine()) == "positive"


def test_a_value_passes_through_a_logic_criterion():
    assert filled("{opioid.value}", urine()) == "positive"


def test_a_criterion_that_found_nothing_is_called_by_what_it_looks_for():
    assert filled("{drug.display}", order()) == "opioid medicine"


@pytest.mark.parametrize("attribute", ["display", "date", "days", "length", "count"])
def test_a_labelled_row_is_a_restricted_record_where_detail_is_hidden(attribute):
    row = opioid(labels=frozenset({"42CFRPART2"}))
    assert filled(f"{{drug.{attribute}}}", row, hide=True) == "a restricted record"


def test_a_label_of_a_criterion_is_hidden_when_only_labelled_rows_found_it():
    assert filled("{test.display}", urine(labels=frozenset({"SUD"})), hide=True) == "a restricted record"


def test_a_row_that_is_not_labelled_is_told_beside_a_hidden_one():
    hidden = opioid("methadone", reference="MedicationRequest/2", labels=frozenset({"ETH"}))
    assert filled("{drug.display}", opioid(), hidden, hide=True) == "oxycodone 5 mg tablet and a restricted record"


def test_labels_of_other_kinds_hide_nothing():
    assert filled("{drug.display}", opioid(labels=frozenset({"N", "TREAT"})), hide=True) == "oxycodone 5 mg tablet"


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        filled("{no_such_name}", order())


def test_a_narrowed_criterion_finds_the_value_where_it_was_judged():
    high = find("high", "A very high ALT", "liver")
    rule = replace(RULE, criteria={**RULE.criteria, "high": high})
    assert filled("{high.display} {high.value}", alt(201), rule=rule) == "ALT 201 U/L (5.03 times the upper limit)"
