"""Words to avoid: what is found, what is written instead, and what is left alone."""

from dataclasses import replace

import pytest

from cds_service.core.value_set import Coding
from cds_service.rulebook.lint_subject import subject_of
from cds_service.rulebook.lint_words import code_display
from cds_service.rulebook.reader import read_rule_text
from cds_service.rulebook.words import find_words
from tests.unit.rule_texts import RULE, SETS, SHELF, changed, places, rule_problems, value_set

# Each word on the left of the table of the person-first guide, in a sentence.
AVOIDED = (
    "addict", "user", "abuser", "junkie", "alcoholic", "drunk", "abuse", "habit", "clean", "dirty", "substitution",
    "relapse", "slip", "lapse", "detox", "manipulative", "drug-seeking", "non-compliant", "refuses", "convict",
    "felon", "inmate", "schizophrenic", "borderline",
)  # fmt: skip
PHRASES = (
    "drug baby", "addicted baby", "failing a test", "opioid substitution", "replacement therapy",
    "medication-assisted treatment", "failed treatment", "frequent flyer", "suffers from", "victim of",
    "committed suicide", "failed attempt", "the homeless", "homeless person", "mentally ill", "at-risk population",
    "hard-to-reach population", "denies use",
)  # fmt: skip


@pytest.mark.parametrize("word", [*AVOIDED, *PHRASES])
def test_a_word_to_avoid_is_found_whatever_its_case(word):
    for written in (word, word.capitalize(), word.upper()):
        assert written in [found for found, _ in find_words(f"It says {written} here.")]


def test_what_to_write_instead_comes_with_the_word():
    assert find_words("After a relapse") == [("relapse", "return to use; recurrence of symptoms")]


@pytest.mark.parametrize(
    "text",
    [
        "oud-abuse", "abuse_level", "abuse-deterrent", "cleaning the wound", "misuse", "habitual", "inhabit", "elapse",
        "Opioid dependence is coded", "the mat on the floor", "mat-consideration", "in custody",
    ],
)  # fmt: skip
def test_parts_of_ids_and_other_words_are_left_alone(text):
    assert find_words(text) == []


def test_the_acronym_is_found_in_capitals_only():
    assert [word for word, _ in find_words("MAT and mat")] == ["MAT"]


def test_words_are_given_in_the_order_of_the_text():
    assert [word for word, _ in find_words("relapse, abuse, relapse")] == ["relapse", "abuse", "relapse"]


def test_a_word_can_be_allowed():
    assert find_words("relapse", allowed=["relapse"]) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("purpose: Show every key once.", "purpose: Show a »relapse."),
        ("  - It is a sample.", "  - It is a »relapse."),
        ("date_of_birth: age floor", "date_of_birth: age at »relapse"),
        ("why: A season.", "why: A »relapse."),
        ("      - People over {minimum_age} only.", "      - People after a »relapse."),
        ("label: Draft the drug", "label: Draft the »relapse"),
        ("name: a recent problem", "name: a recent »relapse"),
        ("yields_to:", "# after a »relapse\nyields_to:"),
    ],
)
def test_texts_names_of_tests_and_comments_are_looked_at(old, new):
    text, line, column = changed(old, new)
    assert ("person-first", line, column) in places(rule_problems(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clinicalStatus: active\n    since", "clinicalStatus: relapse\n    since"),
        ("cite: A guide", "cite: A guide to relapse"),
        ("{in: problem-set, clinicalStatus: active, start", "{in: problem-set, text: relapse, start"),
    ],
)
def test_codes_citations_and_words_of_a_chart_are_left_alone(old, new):
    assert "person-first" not in {each.code for each in rule_problems(changed(old, new)[0])}


@pytest.mark.parametrize(
    ("display", "told"),
    [
        ("Sleep apnea", False),
        ("Opioid use disorder", False),
        ("Heart failure, unspecified", True),
        ("Heart failure with reduced function", True),
    ],
)
def test_only_the_catalog_wording_of_a_code_is_a_display(display, told):
    file = read_rule_text(RULE.replace("label: problem", f'label: "{display}"'))
    sets = {**SETS, "problem-set": value_set("problem-set", Coding("http://snomed.info/sct", "222"), display=display)}
    subject = subject_of(file, replace(SHELF, value_sets=sets))
    assert [each.code for each in code_display(subject)] == ["code-display"] * told


def test_the_name_of_a_drug_may_be_printed():
    text, _, _ = changed("says: The drug is being ordered", "says: The drug a 10 mg tablet is being ordered")
    assert "code-display" not in {each.code for each in rule_problems(text)}
