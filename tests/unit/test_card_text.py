"""Words for single things on a card, and the escaping of what a chart wrote."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.core.card_text import (
    SUMMARY_LIMIT,
    clean,
    date_words,
    days_since,
    doubts_words,
    gap_words,
    length_words,
    listed,
    markdown,
    number_words,
    opened,
    parameter_words,
    plain,
    shortened,
    source_words,
    sources_words,
    status_words,
    unit_words,
)
from cds_service.core.dates import ANY_DAY, BEGINNING, FOREVER, Span, parse_span, unreadable_span
from cds_service.core.decision import DOUBTS, Doubt, Found
from cds_service.core.facts import CLINICAL_STATUS, Gap, Number
from cds_service.core.rule import Parameter
from cds_service.core.show import Piece, pieces
from tests.unit.card_world import TODAY, opioid

DAY = TODAY.toordinal()


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("plain words 0.1 mg/mL, 8-2 mg (film)", "plain words 0.1 mg/mL, 8-2 mg (film)"),
        ("*a* _b_ `c` ~d~ |e|", r"\*a\* \_b\_ \`c\` \~d\~ \|e\|"),
        ("[label](https://example.org)", r"\[label\](https\://example\.org)"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("www.example.org", r"www\.example\.org"),
        ("back\\slash", r"back\\slash"),
        ("line\r\nbreak\x00\u202eturned", "line break turned"),
    ],
)
def test_chart_text_can_make_no_markup_in_a_detail(written, wanted):
    assert markdown(written) == wanted


@given(st.text(max_size=120))
def test_escaped_chart_text_reads_as_it_was_written(text):
    assert "".join(each.text for each in pieces(markdown(text))) == clean(text)


@given(st.text(max_size=120))
def test_escaped_chart_text_is_never_bold_or_a_link(text):
    assert all(each == Piece(each.text) for each in pieces(markdown(text)))


@given(st.text(alphabet="<>[]()`*\\:/ab", max_size=60))
def test_plain_chart_text_holds_no_sign_that_starts_markup(text):
    assert not set("<>[]`*\\") & set(plain(text))


def test_a_long_name_is_cut_at_80_characters():
    assert clean("x" * 81) == "x" * 79 + "…"


def test_a_summary_is_cut_after_a_whole_word():
    cut = shortened("naltrexone " * 20)
    assert len(cut) <= SUMMARY_LIMIT
    assert cut.endswith("naltrexone…")


def test_a_summary_of_139_characters_stays_whole():
    assert shortened("x" * 139) == "x" * 139


def test_a_single_long_word_is_cut_too():
    assert len(shortened("x" * 300)) == SUMMARY_LIMIT


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("opioid withdrawal: x", "Opioid withdrawal: x"),
        ("oxyCODONE is", "oxyCODONE is"),
        ("**Found.** x", "**Found.** x"),
    ],
)
def test_a_sentence_opens_with_a_capital_unless_its_first_word_has_its_own(written, wanted):
    assert opened(written) == wanted


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_at_most_three_names_are_listed(names, wanted):
    assert listed(names) == wanted


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (90, "days", "90 days"),
        (1, "days", "1 day"),
        (1.0, "months", "1 month"),
        (8, "score", "8"),
        (2, "count", "2"),
        (5, "times", "5 times"),
        (500, "ms", "500 ms"),
        (0.5, "ukat/L", "0.5 ukat/L"),
    ],
)
def test_a_parameter_is_said_with_its_unit(value, unit, wanted):
    assert parameter_words(Parameter("p", value, unit, (0, 1000), "")) == wanted


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        (parse_span("2026-02-20"), "2026-02-20"),
        (parse_span("2026-02-20T10:30:00+01:00"), "2026-02-20"),
        (parse_span("2026-02"), "2026-02"),
        (parse_span("2026"), "2026"),
        (Span(parse_span("2026-02").first, parse_span("2026-02").last), "2026-02"),
        (Span(parse_span("2026").first, parse_span("2026").last), "2026"),
        (Span(DAY - 3, DAY), "between 2026-02-26 and 2026-03-01"),
        (Span(BEGINNING, DAY), "2026-03-01 or earlier"),
        (Span(DAY, FOREVER), "2026-03-01 or later"),
        (ANY_DAY, "an unknown date"),
        (None, "an unknown date"),
        (unreadable_span("<b>31/31</b>"), "a date that cannot be read"),
    ],
)
def test_a_date_is_as_exact_as_known(span, wanted):
    assert date_words(span) == wanted


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        (parse_span("2026-01-24"), "36 days"),
        (parse_span("2026-02-28"), "1 day"),
        (parse_span("2026-01"), "29 to 59 days"),
        (parse_span("2026-03-01"), "0 days"),
        (parse_span("2026-03"), "0 days"),
        (Span(BEGINNING, DAY - 10), "at least 10 days"),
        (ANY_DAY, "an unknown number of days"),
    ],
)
def test_days_since_a_date_are_a_range_when_it_is_not_exact(span, wanted):
    assert days_since(span, DAY) == wanted


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        ("2026-02-01", parse_span("2026-02-19"), "18 days"),
        ("2026-02-01", Span(FOREVER, FOREVER), "28 days"),
        ("2026-02-01", Span(DAY - 10, FOREVER), "18 to 28 days"),
        ("2026-02", parse_span("2026-02-28"), "0 to 27 days"),
    ],
)
def test_a_length_runs_to_the_end_or_to_today(start, end, wanted):
    assert length_words(Found(opioid(), True, parse_span(start), end), DAY) == wanted


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        (Number(201.0, 201.0), "201"),
        (Number(float("-inf"), 5, high_open=True), "less than 5"),
        (Number(float("-inf"), 5), "5 or less"),
        (Number(150, float("inf"), low_open=True), "more than 150"),
        (Number(150, float("inf")), "150 or more"),
        (Number(5, 10), "5 to 10"),
    ],
)
def test_a_number_is_said_as_reported(number, wanted):
    assert number_words(number) == wanted


@pytest.mark.parametrize(("unit", "wanted"), [("U/L", "U/L"), ("{score}", ""), ("1", ""), (None, "")])
def test_a_unit_that_says_nothing_is_left_out(unit, wanted):
    assert unit_words(unit) == wanted


def test_every_clinical_status_of_fhir_has_words():
    assert all(status_words(code) for code in CLINICAL_STATUS)


def test_every_doubt_has_words_of_its_own():
    words = [doubts_words([Doubt(kind, "conditions")])[0] for kind in DOUBTS]
    assert len(set(words)) == len(DOUBTS)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("medication-use", "medication list"),
        ("medicationRequests", "medication orders"),
        ("conditions", "conditions"),
        ("labs", "laboratory results"),
        ("serviceRequests", "service orders"),
        ("carePlans", "care plans"),
        ("Condition", "conditions"),
        ("procedures", "procedures"),
    ],
)
def test_a_list_is_called_what_a_clinician_calls_it(source, wanted):
    assert source_words(source) == wanted


def test_the_four_lists_of_medications_together_are_the_medication_list():
    keys = ["medicationRequests", "medicationStatements", "medicationDispenses", "medicationAdministrations", "labs"]
    assert sources_words(keys) == ["medication list", "laboratory results"]


def test_what_was_not_read_is_told_with_its_reason_and_day():
    gaps = [Gap("labs", "further page", DAY), Gap("conditions", "not sent")]
    assert gap_words(gaps) == ["laboratory results (further page, before 2026-03-01)", "conditions (not sent)"]


def test_a_name_of_spaces_only_is_empty():
    assert clean(replace(opioid(), name=" \n\t ").name) == ""
