"""The shipped value sets: they parse, keep their promises to each other, and do not fall into known traps."""

import json

import pytest

from cds_service.core.facts import Coding
from cds_service.core.value_set import ICD_10_CM, holds, overlap
from cds_service.rulebook.value_set_page import value_set_page
from cds_service.rulebook.words import find_words
from tests.unit.shipped_sets import FILES, LOINC, READ, RULES, RXNORM, SETS, SNOMED, TABLE, by_text, named


def verhoeff_holds(code):
    """Say whether the last digit of a SNOMED CT code is its Verhoeff check digit."""
    times = [[(i + j) % 5 if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]
    for i in range(10):
        for j in range(10):
            if i < 5 and j >= 5:
                times[i][j] = (i + j - 5) % 5 + 5
            elif i >= 5 and j < 5:
                times[i][j] = (i - 5 - j) % 5 + 5
            elif i >= 5 and j >= 5:
                times[i][j] = (i - j) % 5
    turn = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    while len(turn) < 8:
        turn.append([turn[-1][turn[1][i]] for i in range(10)])
    check = 0
    for at, digit in enumerate(reversed(code)):
        check = times[check][turn[at % 8][int(digit)]]
    return check == 0


def mod_10_holds(code):
    """Say whether the digit after the hyphen of a LOINC code or answer is its check digit (letters count from "0")."""
    body, check = code.split("-")
    total = 0
    for at, sign in enumerate(reversed(body)):
        worth = ord(sign) - ord("0")
        total += sum(int(digit) for digit in str(2 * worth)) if at % 2 == 0 else worth
    return (10 - total % 10) % 10 == int(check)


def test_the_check_digits_are_computed_right():
    assert [verhoeff_holds(code) for code in ("75544000", "75544001", "75540400")] == [True, False, False]
    assert [mod_10_holds(code) for code in ("44261-6", "44261-7", "LA6576-8", "LA6576-9")] == [True, False, True, False]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_file_is_read_without_a_problem(path):
    assert READ[path][1] == ()


@pytest.mark.parametrize(("system", "holds_for"), [(SNOMED, verhoeff_holds), (LOINC, mod_10_holds)])
def test_every_code_carries_its_check_digit(system, holds_for):
    codes = {each.code for value_set in SETS.values() for each in value_set.codes if each.system == system}
    assert codes
    assert sorted(code for code in codes if not holds_for(code)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_words_that_people_read_are_person_first(path):
    body = json.loads(path.read_text(encoding="utf-8"))
    said = [body[key] for key in ("title", "description", "purpose", "copyright") if key in body]
    # Only these labels are ours; the official names of the other systems are carried over as data.
    for block in body.get("compose", {}).get("include", []):
        if block["system"] == SNOMED:
            said += [concept["display"] for concept in block["concept"]]
    assert [found for text in said for found in find_words(text)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_file_says_that_it_is_a_draft_and_what_it_is_for(path):
    body = json.loads(path.read_text(encoding="utf-8"))
    assert (body["status"], body["experimental"], body["publisher"]) == ("draft", False, "OUD CDS project")
    assert body["description"]
    assert body["purpose"]
    assert "approvalDate" not in body


DISJOINT = sorted((each.id, other) for each in SETS.values() for other in each.disjoint_from)


@pytest.mark.parametrize(("one", "other"), DISJOINT)
def test_sets_declared_disjoint_share_no_code(one, other):
    assert overlap(SETS[one], SETS[other]) == frozenset()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("oud-dependence", "oud-remission"),
        ("oud-abuse", "oud-remission"),
        ("buprenorphine-pain", "buprenorphine-naloxone-oud"),
        ("buprenorphine-pain", "buprenorphine-xr-injection-oud"),
        ("opioid-full-agonist", "naltrexone-xr-injection"),
        ("methadone", "naltrexone-oral"),
        ("result-positive", "result-negative"),
        ("item-several-days-or-more", "item-not-at-all"),
        ("pregnancy", "pregnancy-ended"),
        ("benzodiazepine", "z-drug"),
        ("benzodiazepine", "barbiturate"),
        ("z-drug", "barbiturate"),
        ("gabapentinoid", "muscle-relaxant"),
        ("gabapentinoid", "opioid-full-agonist"),
        ("qt-prolonging", "methadone"),
        ("cyp3a4-inducer", "cyp3a4-inhibitor"),
        ("cyp3a4-inducer", "methadone"),
        ("antidepressant", "opioid-antagonist-other"),
        ("antidepressant", "naltrexone-oral"),
        ("maoi", "serotonergic-opioid"),
        ("moud-transmucosal-buprenorphine", "buprenorphine-pain"),
        ("moud-transmucosal-buprenorphine", "buprenorphine-xr-injection-oud"),
        ("acute-hepatitis", "chronic-viral-hepatitis"),
        ("chronic-viral-hepatitis", "hepatic-failure"),
        ("cardiac-qt-risk", "long-qt"),
        ("self-harm-nonsuicidal", "suicidality"),
        ("copd-and-chronic-respiratory-failure", "respiratory-depression"),
        ("active-cancer", "cancer-pain"),
        ("social-need-present", "social-need-absent"),
        ("uds-benzodiazepine", "uds-opiates"),
        ("screen-audit-c", "screen-dast10"),
        ("psychosocial-referral", "mental-health-referral"),
    ],
)
def test_sets_that_mean_opposite_things_are_declared_disjoint(one, other):
    assert other in SETS[one].disjoint_from or one in SETS[other].disjoint_from


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("buprenorphine-weekly-oud", "buprenorphine-xr-injection-oud"),
        ("methadone-oud-only-forms", "methadone"),
        ("naltrexone-in-abuse-deterrent-opioids", "opioid-full-agonist"),
        ("opioid-er-la", "opioid-full-agonist"),
        ("opioid-overdose-intentional", "opioid-overdose"),
        ("opioid-dependence-uncomplicated", "oud-dependence"),
        ("oud-on-agonist-therapy", "oud-dependence"),
        ("birth", "pregnancy-ended"),
        ("serotonergic-opioid", "opioid-full-agonist"),
        ("release-from-custody", "legal-problems"),
        ("mental-health-referral", "mental-health-assessment"),
        ("psychosocial-referral", "counselling-psychosocial"),
        ("buprenorphine-mono-sl-oud", "moud-transmucosal-buprenorphine"),
        ("buprenorphine-naloxone-oud", "moud-transmucosal-buprenorphine"),
    ],
)
def test_a_part_lies_wholly_in_its_whole(part, whole):
    small = SETS[part]
    listed = [each for each in (*small.codes, *small.subtrees) if holds(small, each)]
    assert [each for each in listed if not holds(SETS[whole], each)] == []


def test_plain_dependence_and_the_unambiguous_codes_together_are_all_active_codes():
    active = SETS["oud-dependence"].codes | SETS["oud-abuse"].codes
    both = (SETS["opioid-dependence-uncomplicated"], SETS["oud-unambiguous"])
    assert [each for each in active if sum(holds(one, each) for one in both) != 1] == []


BUPRENORPHINE = {each for each in SETS if each.startswith("buprenorphine") and "allergen" not in each}
NALTREXONE = {"naltrexone-oral", "naltrexone-ingredient", "naltrexone-xr-injection"}
TREATMENT = (BUPRENORPHINE - {"buprenorphine-pain"}) | NALTREXONE | {"methadone"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Suboxone 8-2 film (OTP)", {"buprenorphine-naloxone-oud"}),
        ("buprenorphine-naloxone 8 mg/2 mg SL film", {"buprenorphine-naloxone-oud"}),
        ("ZUBSOLV 5.7-1.4", {"buprenorphine-naloxone-oud"}),
        ("Buprenorphine HCl SL tablet 8 mg", {"buprenorphine-mono-sl-oud"}),
        ("Sublocade 300 mg", {"buprenorphine-xr-injection-oud"}),
        ("Brixadi (weekly) 16 mg/0.32 mL", {"buprenorphine-xr-injection-oud", "buprenorphine-weekly-oud"}),
        ("Brixadi monthly 96 mg", {"buprenorphine-xr-injection-oud"}),
        ("buprenorphine", {"buprenorphine-ambiguous"}),
        ("Butrans 10 mcg/hr patch", {"buprenorphine-pain"}),
        ("buprenorphine 20 mcg/hr transdermal patch", {"buprenorphine-pain"}),
        ("Methadone 60 mg (OTP)", {"methadone"}),
        ("Vivitrol monthly per CMHC", {"naltrexone-xr-injection"}),
        ("naltrexone ER injection 380 mg", {"naltrexone-xr-injection"}),
        ("naltrexone 50 mg tablet", {"naltrexone-oral"}),
        ("naltrexone", {"naltrexone-ingredient"}),
    ],
)
def test_a_drug_known_by_its_words_is_in_the_right_sets(text, wanted):
    assert by_text(text) & (BUPRENORPHINE | NALTREXONE | {"methadone"}) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "no Suboxone",
        "declined Vivitrol",
        "Vivitrol declined by patient",
        "methadone clinic referral",
        "allergic to buprenorphine",
        "Suboxone stopped 2019",
        "methadone discontinued",
        "naloxone challenge before naltrexone",
        "naltrexone challenge",
        "low-dose naltrexone 4.5 mg",
        "LDN (naltrexone)",
        "Contrave (naltrexone-bupropion) ER 8-90 mg",
        "Embeda 30-1.2 mg (morphine-naltrexone)",
        "methylnaltrexone 12 mg injection",
        "considering Sublocade",
        "urine methadone screen",
        "family member takes methadone",
    ],
)
def test_words_that_are_no_treatment_are_in_no_treatment_set(text):
    assert by_text(text) & TREATMENT == set()


def test_a_code_not_listed_leaves_the_brand_to_the_set_found_by_name():
    found = TABLE.concept([(RXNORM, "999999999")], ["Vivitrol 380 mg injection"])
    assert found.by_code == 0
    assert "naltrexone-xr-by-name" in named(found.by_text)
    assert "naltrexone-xr-injection" not in named(found.by_text)


CONDITIONS = {"oud-dependence", "oud-abuse", "oud-unambiguous", "oud-remission", "oud-history", "opioid-withdrawal"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Opioid use disorder, severe", {"oud-dependence", "oud-unambiguous"}),
        ("OUD", {"oud-dependence", "oud-unambiguous"}),
        ("Opioid dependence, not otherwise specified", {"oud-dependence"}),
        ("Opioid dependence without complication", {"oud-dependence"}),
        ("Opioid use disorder, severe, in sustained remission", {"oud-remission"}),
        ("Opioid dependence in remission", {"oud-remission"}),
        ("History of opioid use disorder", {"oud-history"}),
        ("Family history of opioid use disorder", set()),
        ("No opioid use disorder", set()),
        ("r/o opioid use disorder", set()),
        ("Opioid use disorder ruled out", set()),
        ("Screening for opioid use disorder", set()),
        ("Mother with opioid use disorder", set()),
        ("Opiate withdrawal", {"opioid-withdrawal"}),
        ("Opioid withdrawal without perceptual disturbance", {"opioid-withdrawal"}),
        ("No opioid withdrawal", set()),
        ("Neonatal opioid withdrawal", set()),
        ("Post-acute withdrawal after opioid withdrawal", set()),
    ],
)
def test_a_condition_known_by_its_words_is_in_the_right_sets(text, wanted):
    assert by_text(text) & CONDITIONS == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Positive", {"result-positive"}),
        ("Presumptive positive", {"result-positive"}),
        ("DETECTED", {"result-positive"}),
        ("Not Detected", {"result-negative"}),
        ("None detected", {"result-negative"}),
        ("Negative", {"result-negative"}),
        ("Non-reactive", {"result-negative"}),
        ("Opiates positive, fentanyl negative", set()),
        ("No opiates detected", set()),
        ("False positive suspected", set()),
        ("Indeterminate", set()),
        ("Several days", {"item-several-days-or-more"}),
        ("Not at all", {"item-not-at-all"}),
    ],
)
def test_an_answer_in_words_is_in_one_list_or_in_none(text, wanted):
    answers = {"result-positive", "result-negative", "item-several-days-or-more", "item-not-at-all"}
    assert by_text(text) & answers == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("COWS total", {"cows-score"}),
        ("Clinical Opiate Withdrawal Scale (COWS)", {"cows-score"}),
        ("COWS: resting pulse", set()),
        ("PHQ-9 Total Score", {"screen-phq9", "screen-depression-form"}),
        ("PHQ-9", {"screen-depression-form"}),
        ("GAD-7 score", {"screen-gad7", "screen-anxiety-form"}),
        ("PHQ-2 total", {"screen-phq2", "screen-depression-form"}),
    ],
)
def test_a_screen_known_by_its_name_is_in_the_right_sets(text, wanted):
    assert by_text(text) & {each for each in SETS if each.startswith("screen-") or each == "cows-score"} == wanted


@pytest.mark.parametrize("value_set", SETS.values(), ids=lambda each: each.id)
def test_no_phrase_is_dead_because_an_excluded_phrase_stands_in_it(value_set):
    assert [phrase for phrase in value_set.phrases if value_set.id not in by_text(phrase)] == []


def test_the_page_of_value_sets_is_up_to_date():
    page = RULES.parent / "docs" / "reference" / "value-sets.md"
    assert page.read_text(encoding="utf-8") == value_set_page(RULES)


def test_a_display_stands_beside_every_listed_code_of_an_official_system():
    bare = [
        (each.id, coding.code)
        for each in SETS.values()
        for coding in each.codes
        if coding.system in (SNOMED, RXNORM, LOINC, ICD_10_CM) and not each.displays.get(coding)
    ]
    assert bare == []


def test_no_code_is_listed_in_another_spelling_than_the_canonical_one():
    codes = {each for value_set in SETS.values() for each in value_set.codes}
    assert [each for each in codes if each.code != each.code.strip() or not isinstance(each, Coding)] == []
