"""A small rule, a small definition and what they refer to, for tests of reading and lint; all of it made up."""

from datetime import date

from cds_service.core.value_set import Coding, ValueSet
from cds_service.rulebook.lint import lint_subject
from cds_service.rulebook.lint_subject import Shelf, subject_of
from cds_service.rulebook.reader import RuleFile, read_definition_text, read_rule_text
from cds_service.rulebook.source import RuleProblem

TODAY = date(2026, 3, 1)
HERE = "»"  # stands where the caret of a problem is wanted

DEFINITION = """\
schema: 1
id: drug-status
version: 1.2.0
title: Drugs in use
purpose: One answer to which drugs are in use.
owner: Test group
known_limits: [Paper records are not read.]
evidence:
  - {id: guide, cite: A guide, url: "https://example.org/", grade: B, supports: [current, grace_days]}
parameters:
  grace_days: {value: 30, unit: days, range: [7, 60], why: Refills are late.}
criteria:
  drug: {says: A drug is recorded, find: medication-use, code_in: drug-a}
  current: {says: "A drug was current in the last {grace_days}", find: drug, during_last: grace_days}
  allergy: {says: An allergy is recorded, label: allergy, find: AllergyIntolerance, code_in: drug-a}
  on_drug: {says: The drug is current, all: [current]}
tests:
  base: {today: 2026-03-01}
  must_hold:
    - {name: taking, but: {medication-use: [{in: drug-a, status: taking}]}, of: current}
"""

RULE = """\
schema: 1
id: sample-rule
version: 1.0.0
title: A sample
purpose: Show every key once.
owner: Test group
developer: Test developer
funding: none
released: 2026-01-01
reviewed: {by: A board, date: 2026-01-02}
review_due: 2027-01-02
known_limits:
  - It is a sample.
hooks: [patient-view, order-sign]
settings: {ambulatory: acts, emergency: acts, inpatient: acts, perioperative: acts, unknown: acts}
attributes:
  race: false
  ethnicity: false
  language: false
  sexual_orientation: false
  gender_identity: false
  sex: false
  date_of_birth: age floor
  sdoh: false
  health_status_assessments: false
evidence:
  - {id: guide, cite: A guide, url: "https://example.org/", grade: A, supports: [cards, old_enough, score_high, lately]}
uses: {drug-status: 1}
parameters:
  minimum_age:
    value: 18
    unit: years
    range: [16, 21]
    why: Adults only.
  score_limit: {value: 10, unit: score, range: [8, 12], why: Usual limit.}
  score_most: {value: 27, unit: score, range: [27, 27], why: Highest score.}
  recent_days: {value: 90, unit: days, range: [30, 180], why: A season.}
criteria:
  old_enough:
    says: Patient is at least {minimum_age}
    find: Patient
    age: {at_least: minimum_age}
  score_high:
    says: The latest score is {score_limit} or more
    label: score
    find: Observation
    code_in: score-set
    status: [final, amended]
    during_last: recent_days
    latest: true
    value: {at_least: score_limit}
    plausible: {at_most: score_most}
    answer_in: answer-yes
    answer_not_in: answer-no
  lately:
    says: A problem in the last {recent_days}
    label: problem
    find: Condition
    code_in: problem-set
    clinicalStatus: active
    since_start: {at_most: recent_days}
  order:
    says: The drug is being ordered
    find: draft-order
    code_in: drug-a
  at_chart: {says: The chart is open, hook: [patient-view]}
  moment: {says: The moment fits, any: [at_chart, order]}
when:
  all: [old_enough, lately, moment]
  none: [score_high]
  if_unknown: no_card
yields_to: [other-rule]
cards:
  - id: treated
    if: drug-status.on_drug
    summary: "{drug-status.current.display} is current"
    indicator: info
    detail: Nothing to do.
    source: guide
    override_reasons: other
  - id: consider
    summary: "{lately.display} on {lately.date}"
    indicator: {critical: order, info: otherwise}
    detail:
      - {if: order, text: "Ordered: {order.display}."}
      - People over {minimum_age} only.
    source: guide
    suggestions:
      - label: Draft the drug
        unless: drug-status.allergy
        create: {resourceType: MedicationRequest, code: rxnorm|111, text: Drug A, within: recent_days, reason: lately}
      - label: Remove the order
        delete: order
    override_reasons: [other]
tests:
  base:
    today: 2026-03-01
    hook: patient-view
    Patient: {birthDate: 1990-05-05}
    Condition: [{in: problem-set, clinicalStatus: active, start: 10 days ago}]
  must_fire:
    - {name: a recent problem, card: consider, indicator: info, suggests: [Draft the drug, Remove the order]}
  must_not_fire:
    - {name: too young, but: {Patient: {birthDate: 2012}}, because: old_enough}
  cannot_tell:
    - {name: problems not read, but: {Condition: unavailable}, because: [lately]}
"""

_DRUG = Coding("http://www.nlm.nih.gov/research/umls/rxnorm", "111")
_PROBLEM = Coding("http://snomed.info/sct", "222")


def value_set(name: str, *codes: Coding, disjoint_from: tuple[str, ...] = (), display: str = "") -> ValueSet:
    """Build a value set; display is that of its first code."""
    displays = {codes[0]: display} if display else {}
    return ValueSet(
        name, "2026.1.0", name.replace("-", " "), frozenset(codes), disjoint_from=disjoint_from, displays=displays
    )


SETS = {
    each.id: each
    for each in (
        value_set("drug-a", _DRUG, display="drug a 10 mg tablet"),
        value_set("problem-set", _PROBLEM, display="Chronic problem of the sample"),
        value_set("score-set"),
        value_set("answer-yes"),
        value_set("answer-no"),
    )
}
SHELF = Shelf(
    definitions={("drug-status", 1): read_definition_text(DEFINITION)},
    value_sets=SETS,
    set_ids=frozenset(SETS),
    definition_ids=frozenset({"drug-status", "spare-status"}),
    other_sets=frozenset({*SETS, "spare-set"}),
    rules=frozenset({"sample-rule", "other-rule"}),
    reasons=frozenset({"other", "already-addressed"}),
)


def changed(old: str, new: str, text: str = RULE) -> tuple[str, int, int]:
    """Replace one part of a text; give the text and the line and column of HERE in it (0, 0 without one)."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    text = text.replace(old, new)
    line, column = 0, 0
    if HERE in text:
        before = text[: text.index(HERE)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return text.replace(HERE, ""), line, column


def rule_problems(text: str) -> list[RuleProblem]:
    """Give every problem of a rule, of its form and of its meaning."""
    file: RuleFile = read_rule_text(text)
    return [*file.problems, *lint_subject(subject_of(file, SHELF), TODAY)]


def definition_problems(text: str) -> list[RuleProblem]:
    """Give every problem of a definition."""
    file = read_definition_text(text)
    return [*file.problems, *lint_subject(subject_of(file, SHELF), TODAY)]


def places(problems: list[RuleProblem]) -> set[tuple[str, int, int]]:
    """Give code, line and column of each problem."""
    return {(each.code, each.line, each.column) for each in problems}
