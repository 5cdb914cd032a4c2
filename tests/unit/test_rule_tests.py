"""Inline tests: the charts they describe, when they pass, and what a failure tells."""

from datetime import date

import pytest

from cds_service.core.dates import Duration
from cds_service.core.facts import Coding, Row
from cds_service.core.rule import Edition
from cds_service.core.value_set import ICD_10_CM, Table, ValueSet
from cds_service.rulebook.case import Case, CaseRow
from cds_service.rulebook.case_chart import case_day, chart_of
from cds_service.rulebook.coverage import untested
from cds_service.rulebook.reader import RuleFile, read_definition_text, read_rule_text
from cds_service.rulebook.rule_tests import DefinitionEdition, Ran, book_of, run_cases
from tests.unit.sample_head import HEAD

SNOMED = "http://snomed.info/sct"


def coded(name: str, *codes: str, **more: object) -> ValueSet:
    """A value set of SNOMED codes."""
    return ValueSet(name, "1.0.0", name, frozenset(Coding(SNOMED, code) for code in codes), **more)  # type: ignore[arg-type]


SETS = {
    each.id: each
    for each in (
        coded("disorder", "100", "101"),
        coded("disorder-plain", "100"),
        coded("pain-drug", "200", "201"),
        coded("long-acting-drug", "201"),
        coded("treatment-drug", "300", phrases=("program dose",)),
        coded("scale", "400"),
        coded("positive", "500"),
        coded("negative", "501"),
        ValueSet(
            "subtree", "1.0.0", "subtree", frozenset(), frozenset({Coding(ICD_10_CM, "F11.2")}),
            not_codes=frozenset({Coding(ICD_10_CM, "F11.2")}),
        ),
        ValueSet("listed-below", "1.0.0", "listed below", frozenset({Coding(ICD_10_CM, "F11.20")})),
    )
}  # fmt: skip
TABLE = Table(SETS.values())

RULE = (
    HEAD
    + """\
hooks: [patient-view, order-sign]
attributes: {race: false, ethnicity: false, language: false, sexual_orientation: false, gender_identity: false,
             sex: false, date_of_birth: age floor, sdoh: false, health_status_assessments: false}
evidence:
  - {id: a, cite: A, url: "https://example.org/", grade: A, supports: [cards, old_enough, disorder, treated]}
parameters:
  least_age: {value: 16, unit: years, range: [12, 21], why: Sample.}
  grace: {value: 30, unit: days, range: [7, 60], why: Sample.}
criteria:
  old_enough: {says: Old enough, find: Patient, age: {at_least: least_age}}
  disorder: {says: A disorder, find: Condition, code_in: disorder, clinicalStatus: active}
  treated: {says: Treated, find: medication-use, code_in: treatment-drug, during_last: grace}
  pain_drug: {says: A pain drug, find: medication-use, code_in: [pain-drug, long-acting-drug]}
  opened: {says: Opened, hook: [patient-view]}
when:
  all: [old_enough, disorder]
  none: [treated]
  if_unknown: no_card
cards:
  - id: offer
    summary: Offer
    indicator: {warning: pain_drug, info: otherwise}
    detail: [Offer treatment]
    source: a
    suggestions:
      - {label: Refer, create: {resourceType: ServiceRequest, text: Referral, reason: disorder}}
      - {label: Call, if: pain_drug, create: {resourceType: ServiceRequest, text: Call, reason: disorder}}
    override_reasons: [other]
tests:
  base: {today: 2026-03-01, hook: patient-view, Patient: {birthDate: 1990-05-05}, Condition: [{in: disorder}]}
"""
)

DEFINITION = """
schema: 1
id: home
version: 1.0.0
title: Home
purpose: Home
owner: Home
known_limits: [none]
evidence: [{id: a, cite: A, url: "https://example.org/", grade: A, supports: [disorder]}]
criteria:
  disorder: {says: A disorder, find: Condition, code_in: disorder}
tests:
  base: {today: 2026-03-01}
  must_hold: [{name: there, but: {Condition: [{in: disorder}]}, of: disorder}]
  must_not_hold: [{name: wrong, but: {Condition: [{in: disorder}]}, of: disorder}]
  cannot_tell: [{name: not read, but: {Condition: unavailable}, of: disorder}]
"""


def with_tests(tests: str) -> RuleFile:
    """The sample rule with these tests after its base."""
    file = read_rule_text(RULE + tests)
    assert not [each for each in file.problems if each.severity == "error"], file.problems
    return file


def run(tests: str) -> Ran:
    file = with_tests(tests)
    return run_cases(Edition(file.draft, {}, SETS), file.cases, TABLE)


def chart_row(fact: str, row: CaseRow, hook: str = "order-sign") -> Row:
    """The one row that a test row becomes, as the sample rule's tests would build it."""
    case = Case("must_fire", "sample", "2026-03-01", hook, {fact: (row,)})
    book = book_of(Edition(read_rule_text(RULE).draft, {}, SETS), TABLE)
    return chart_of(case, book).rows[fact][0]


def ordinal(text: str) -> int:
    return date.fromisoformat(text).toordinal()


# --- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_takes_a_code_that_no_other_set_of_the_file_holds():
    assert chart_row("medication-use", CaseRow(in_=("pain-drug",))).concept.codings == (Coding(SNOMED, "200"),)


def test_a_row_takes_a_shared_code_when_its_set_has_no_other():
    assert chart_row("medication-use", CaseRow(in_=("long-acting-drug",))).concept.codings == (Coding(SNOMED, "201"),)


def test_a_row_in_two_sets_that_share_a_code_has_one_coding():
    row = chart_row("medication-use", CaseRow(in_=("pain-drug", "long-acting-drug")))
    assert row.concept.codings == (Coding(SNOMED, "201"),)


def test_a_row_in_two_sets_without_a_shared_code_has_a_coding_of_each():
    row = chart_row("medication-use", CaseRow(in_=("treatment-drug", "pain-drug")))
    assert row.concept.codings == (Coding(SNOMED, "300"), Coding(SNOMED, "200"))


def test_a_row_never_takes_a_code_that_the_set_excludes():
    assert chart_row("Condition", CaseRow(in_=("subtree",))).concept.codings == (Coding(ICD_10_CM, "F11.20"),)


def test_a_row_of_a_set_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no value set 'diorder'"):
        chart_row("Condition", CaseRow(in_=("diorder",)))


def test_a_row_by_text_alone_is_in_the_set_by_its_text():
    concept = chart_row("medication-use", CaseRow(text="Program dose 60 mg")).concept
    assert (concept.by_code, concept.by_text) == (0, TABLE.bit(SETS["treatment-drug"]))


def test_an_answer_called_other_is_in_no_set():
    answer = chart_row("Observation", CaseRow(in_=("scale",), answer="other")).answers[0]
    assert (answer.readable, answer.by_code, answer.by_text) == (True, 0, 0)


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        ("medication-use", "taking"), ("draft-order", "selected"), ("Observation", "final"), ("Procedure", "completed"),
        ("ServiceRequest", "active"), ("Patient", "living"), ("Condition", None),
    ],
)  # fmt: skip
def test_a_row_without_a_status_has_the_usual_one(fact, status):
    assert chart_row(fact, CaseRow()).status == status


def test_a_status_called_unknown_is_no_status():
    assert chart_row("medication-use", CaseRow(status="unknown")).status is None


def test_a_condition_without_states_is_active_and_confirmed():
    row = chart_row("Condition", CaseRow(in_=("disorder",)))
    assert (row.clinical_status, row.verification_status) == ("active", "confirmed")


def test_a_condition_that_abated_before_today_is_resolved():
    assert chart_row("Condition", CaseRow(in_=("disorder",), end="1 day ago")).clinical_status == "resolved"


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2026-02-10", "2026-02-10", "2026-02-10"), ("2026-02", "2026-02-01", "2026-02-28"),
        ("2025", "2025-01-01", "2025-12-31"), ("today", "2026-03-01", "2026-03-01"),
        ("1 day ago", "2026-02-28", "2026-02-28"), ("2 weeks ago", "2026-02-15", "2026-02-15"),
        ("24 months ago", "2024-03-01", "2024-03-01"), ("2 years ago", "2024-03-01", "2024-03-01"),
    ],
)  # fmt: skip
def test_a_date_of_a_row_is_the_days_it_could_mean(written, first, last):
    start = chart_row("Observation", CaseRow(in_=("scale",), start=written)).start
    assert (start.first, start.last) == (ordinal(first), ordinal(last))


def test_a_supply_of_thirty_days_from_the_first_of_january_ends_on_the_thirty_first():
    row = chart_row("medication-use", CaseRow(status="past", start="2026-01-01", supply=Duration(30, "days")))
    assert row.end.last == ordinal("2026-01-31")


def test_each_repeat_adds_a_supply():
    row = chart_row("medication-use", CaseRow(start="2026-01-01", supply=Duration(10, "days"), repeats=2))
    assert row.end.last == ordinal("2026-01-31")


def test_an_end_of_its_own_goes_before_the_supply():
    row = chart_row("medication-use", CaseRow(start="2026-01-01", end="2026-01-05", supply=Duration(30, "days")))
    assert row.end.last == ordinal("2026-01-05")


def test_a_dose_given_ends_on_its_day_and_a_drug_taken_has_no_end():
    given = chart_row("medication-use", CaseRow(status="given", start="2026-01-01"))
    taking = chart_row("medication-use", CaseRow(status="taking", start="2026-01-01"))
    assert (given.end, taking.end) == (given.start, None)


def test_a_date_as_value_is_the_end_of_an_observation():
    row = chart_row("Observation", CaseRow(in_=("scale",), start="2025-10-01", value="2026-04-02"))
    assert (row.end.first, row.value, row.has_value) == (ordinal("2026-04-02"), None, True)


@pytest.mark.parametrize(
    ("written", "low", "high", "open_ends"),
    [
        (12, 12, 12, (False, False)), ("3", 3, 3, (False, False)), ("< 5", float("-inf"), 5, (False, True)),
        ("> 150", 150, float("inf"), (True, False)), (">= 150", 150, float("inf"), (False, False)),
    ],
)  # fmt: skip
def test_a_value_is_read_as_a_number_or_an_open_range(written, low, high, open_ends):
    value = chart_row("Observation", CaseRow(in_=("scale",), value=written)).value
    assert (value.low, value.high, (value.low_open, value.high_open), value.unit) == (low, high, open_ends, None)


def test_a_value_in_words_is_an_answer():
    row = chart_row("Observation", CaseRow(in_=("scale",), value="moderate"))
    assert (row.value, row.answers[0].texts) == (None, ("moderate",))


def test_draft_orders_exist_at_order_hooks_only():
    case = Case("must_fire", "sample", "2026-03-01", "patient-view", {"draft-order": (CaseRow(in_=("pain-drug",)),)})
    chart = chart_of(case, book_of(Edition(read_rule_text(RULE).draft, {}, SETS), TABLE))
    assert "draft-order" not in chart.rows


def test_a_list_that_is_unavailable_is_a_gap_for_each_of_its_resources():
    case = Case("must_fire", "sample", "2026-03-01", "patient-view", {"medication-use": None})
    chart = chart_of(case, book_of(Edition(read_rule_text(RULE).draft, {}, SETS), TABLE))
    assert [gap.source for gap in chart.gaps["medication-use"]] == [
        "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration",
    ]  # fmt: skip


def test_a_list_with_an_unavailable_part_keeps_its_rows_and_has_a_gap():
    rows = (CaseRow(in_=("disorder",)), CaseRow(part="unavailable"))
    case = Case("must_fire", "sample", "2026-03-01", "patient-view", {"Condition": rows})
    chart = chart_of(case, book_of(Edition(read_rule_text(RULE).draft, {}, SETS), TABLE))
    assert (len(chart.rows["Condition"]), len(chart.gaps["Condition"])) == (1, 1)


def test_an_unreadable_row_has_nothing_that_could_be_read():
    row = chart_row("Condition", CaseRow(part="unreadable"))
    assert (row.readable, row.concept.readable) == (False, False)


def test_a_person_without_a_patient_key_is_living_and_of_unknown_age():
    chart = chart_of(
        Case("must_fire", "sample", "2026-03-01", "patient-view", {}),
        book_of(Edition(read_rule_text(RULE).draft, {}, SETS), TABLE),
    )
    assert (chart.patient.status, chart.patient.birth_date, chart.rows["Patient"]) == ("living", None, (chart.patient,))


def test_the_day_of_a_test_must_be_whole():
    with pytest.raises(ValueError, match="a whole date is wanted"):
        case_day(Case("must_fire", "sample", "2026-03", "patient-view", {}))


# --- when a test passes -----------------------------------------------------------------------------------------------

TREATED = "medication-use: [{in: treatment-drug, status: taking, start: 2026-02-10}]"
DRUG = "medication-use: [{in: pain-drug, status: taking}]"


@pytest.mark.parametrize(
    "test",
    [
        "  must_fire: [{name: plain}]",
        "  must_fire: [{name: all, card: offer, indicator: info, suggests: [Refer]}]",
        f"  must_fire: [{{name: both, but: {{{DRUG}}}, indicator: warning, suggests: [Refer, Call]}}]",
        f"  must_not_fire: [{{name: treated, but: {{{TREATED}}}, because: treated}}]",
        "  cannot_tell: [{name: not read, but: {medication-use: unavailable}, because: treated}]",
    ],
)
def test_a_test_that_describes_what_the_rule_does_passes(test):
    ran = run(test + "\n")
    assert (len(ran.passing), ran.failures) == (1, ())


@pytest.mark.parametrize(
    ("test", "wanted", "got"),
    [
        (
            "  must_fire: [{name: x, card: other-card}]",
            "YES with a card, card other-card", "YES, card offer (info)",
        ),
        (
            "  must_fire: [{name: x, indicator: warning}]",
            "YES with a card, indicator warning", "YES, card offer (info)",
        ),
        (
            f"  must_fire: [{{name: x, but: {{{DRUG}}}, suggests: [Call, Refer]}}]",
            "YES with a card, suggestions ['Call', 'Refer']",
            "YES, card offer (warning), suggestions ['Refer', 'Call']",
        ),
        (
            f"  must_fire: [{{name: x, but: {{{TREATED}}}}}]",
            "YES with a card", "NO, stopped by treated, no card",
        ),
        (
            f"  must_not_fire: [{{name: x, but: {{Condition: [], {TREATED}}}, because: treated}}]",
            "NO, stopped by treated", "NO, stopped by disorder, treated, no card",
        ),
        (
            f"  must_not_fire: [{{name: x, but: {{{TREATED}}}}}]",
            "NO, stopped by (because is missing)", "NO, stopped by treated, no card",
        ),
        (
            "  cannot_tell: [{name: x, but: {Condition: unavailable}, because: [disorder, treated]}]",
            "UNKNOWN, disorder UNKNOWN, treated UNKNOWN, no card",
            "UNKNOWN, undecided disorder, disorder UNKNOWN, treated NO, doubts not-read (Condition), no card",
        ),
        (
            "  cannot_tell: [{name: x, but: {Condition: unavailable}, because: disorder, card: offer}]",
            "UNKNOWN, disorder UNKNOWN, card offer",
            "UNKNOWN, undecided disorder, disorder UNKNOWN, doubts not-read (Condition), no card",
        ),
    ],
)  # fmt: skip
def test_a_failure_sets_wanted_against_got(test, wanted, got):
    failure = run(test + "\n").failures[0]
    assert (failure.wanted, failure.got) == (wanted, got)


def test_a_failure_shows_the_rows_that_decided():
    failure = run(f"  must_fire: [{{name: x, but: {{{TREATED}}}}}]\n").failures[0]
    assert failure.facts == ("treated YES: MedicationRequest/1",)


def test_a_failure_shows_the_first_test_that_the_nearest_row_failed():
    resolved = "Condition: [{in: disorder, clinicalStatus: resolved}]"
    failure = run(f"  must_fire: [{{name: x, but: {{{resolved}}}}}]\n").failures[0]
    assert failure.facts == ("disorder NO: Condition/1 failed clinicalStatus",)


def test_a_test_whose_chart_cannot_be_built_fails_and_says_why():
    failure = run("  must_fire: [{name: x, but: {Condition: [{in: diorder}]}}]\n").failures[0]
    assert (failure.got, failure.broken) == ("no value set 'diorder' in the release", True)


def test_each_criterion_of_a_definition_must_have_the_verdict_of_its_list():
    file = read_definition_text(DEFINITION)
    ran = run_cases(DefinitionEdition(file.draft, {}, SETS), file.cases, TABLE)
    assert [each.case.name for each in ran.passing] == ["there", "not read"]
    assert [(each.case.name, each.wanted, each.got) for each in ran.failures] == [
        ("wrong", "disorder NO", "disorder YES")
    ]


# --- verdicts that no test reaches ------------------------------------------------------------------------------------


def untested_of(file: RuleFile) -> list[str]:
    edition = Edition(file.draft, {}, SETS)
    return [each.text for each in untested(edition, run_cases(edition, file.cases, TABLE).passing, file.source, TABLE)]


def test_a_verdict_that_no_test_reaches_is_told_and_a_hook_is_never_unknown():
    file = with_tests("  must_fire: [{name: plain}]\n")
    assert untested_of(file) == [
        "no test has 'old_enough' NO or UNKNOWN", "no test has 'disorder' NO or UNKNOWN",
        "no test has 'treated' YES or UNKNOWN", "no test has 'pain_drug' YES or UNKNOWN", "no test has 'opened' NO",
    ]  # fmt: skip


def test_a_comment_on_the_line_of_a_criterion_accepts_its_untested_verdicts():
    text = RULE.replace("hook: [patient-view]}\n", "hook: [patient-view]}  # lint: allow untested-verdict because so\n")
    file = read_rule_text(text + "  must_fire: [{name: plain}]\n")
    assert not [each for each in untested_of(file) if "'opened'" in each]


def test_a_status_of_the_patient_is_never_unknown():
    text = RULE.replace("  opened:", "  died: {says: Died, find: Patient, status: [deceased]}\n  opened:")
    file = read_rule_text(text + "  must_fire: [{name: plain}]\n")
    assert "no test has 'died' YES" in untested_of(file)
