"""Throw-away releases of any number of rules, and charts that a few of them speak of.

Every rule has two value sets of its own, with codes that mean nothing: a problem, and what is given for it. It fires
for an adult with the problem and without the treatment. The first rules of a release fire on the charts made here, the
next are stopped there, half by the treatment and half because the problem is over; of the rest nothing is on record.
"""

import json
from pathlib import Path
from typing import Any

from bench.charts import GENERATED, Chart, Request, request_of

FIRING, TOUCHED = 10, 100  # rules that fire, and rules whose value sets are in the chart, those ten among them
SHOWN = 3  # cards of one answer: the service keeps the others back and says so
RESOURCES = 150  # of a chart, which is then of 100 kB
_VERSION, _RELEASED = "1.0.0", "2026.1.0"

_RULE = """\
schema: 1
id: {id}
version: 1.0.0
title: Generated rule {number}
purpose: Measure what many rules cost.
owner: Bench
developer: Bench
funding: none
released: 2026-01-01
reviewed: null # lint: allow not-reviewed because it is made up and served to nobody
known_limits: [It says nothing clinical.]
hooks: [patient-view]
attributes: {{race: false, ethnicity: false, language: false, sexual_orientation: false, gender_identity: false,
             sex: false, date_of_birth: age floor, sdoh: false, health_status_assessments: false}}
evidence:
  - {{id: made-up, cite: Made up, url: "https://oud-cds.example/", grade: C,
     supports: [cards, minimum_age, recent_days, problem, treated]}}
parameters:
  minimum_age: {{value: 18, unit: years, range: [16, 21], why: Adults only.}}
  recent_days: {{value: 90, unit: days, range: [30, 180], why: Refills are late.}}
criteria:
  old_enough: {{says: "The patient is at least {{minimum_age}} old", find: Patient, age: {{at_least: minimum_age}}}}
  problem: {{says: Problem {number} is present, label: problem {number}, find: Condition, code_in: {id}-problem,
            clinicalStatus: active}}
  treated: {{says: "Treatment {number} was current in the last {{recent_days}}", find: medication-use,
            code_in: {id}-treatment, status: taking, during_last: recent_days}}
when:
  all: [old_enough, problem]
  none: [treated]
  if_unknown: no_card
cards:
  - id: consider
    summary: Treatment {number} may help
    indicator: info
    detail: "{{problem.display}} was found on {{problem.date}}."
    source: made-up
    override_reasons: other
tests:
  base: {{today: 2026-03-01, hook: patient-view, Patient: {{birthDate: 1990-05-05}},
         Condition: [{{in: {id}-problem, clinicalStatus: active}}]}}
  must_fire: [{{name: untreated, card: consider}}]
  must_not_fire:
    - {{name: treated, but: {{medication-use: [{{in: {id}-treatment, status: taking}}]}}, because: treated}}
"""


def write_release(folder: Path, rules: int) -> Path:
    """Write a rules folder of so many rules, at least FIRING, and give it."""
    ids = [_id(number) for number in range(rules)]
    for number, rule in enumerate(ids):
        _write(folder / rule / f"{_VERSION}.yaml", _RULE.format(id=rule, number=number))
        for kind in ("problem", "treatment"):
            _write(folder / "value-sets" / f"{rule}-{kind}" / f"{_RELEASED}.json", _value_set(rule, kind))
    sets = [f"  {rule}-{kind}: {_RELEASED}" for rule in ids for kind in ("problem", "treatment")]
    lines = [f"release: {_RELEASED}", "rules:", *(f"  {rule}: {{active: {_VERSION}}}" for rule in ids)]
    _write(folder / "release.yaml", "\n".join([*lines, "value_sets:", *sets, ""]))
    _write(folder / "override-reasons.yaml", "other: Another reason\n")
    return folder


def charts(people: int, touched: int = TOUCHED) -> list[Request]:
    """Make the calls of so many people. touched: rules whose problem is on record."""
    shown = tuple(_id(number) for number in range(SHOWN))
    return [
        request_of(f"generated {person}", f"generated-{person}", RESOURCES, lambda chart: _tell(chart, touched), shown)
        for person in range(people)
    ]


def _tell(chart: Chart, touched: int) -> None:
    for number in range(touched):
        stopped = number >= FIRING
        over = stopped and number % 2 == 0
        chart.condition(_entry(number, "problem"), chart.chance.randint(30, 3_000), active=not over)
        if stopped and not over:
            chart.order(_entry(number, "treatment"), chart.chance.randint(1, 60))


def _entry(number: int, kind: str) -> dict[str, Any]:
    return {"generated": f"{_id(number)}-{kind}", "words": f"Made up {kind} {number}"}


def _id(number: int) -> str:
    return f"generated-{number:04}"


def _value_set(rule: str, kind: str) -> str:
    name = f"{rule}-{kind}"
    concept = [{"code": name, "display": "Made up"}]
    return json.dumps({
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{GENERATED}/ValueSet/{name}",
        "version": _RELEASED,
        "name": name.replace("-", "_"),
        "title": f"{kind} {rule[-4:]}",
        "status": "active",
        "compose": {"include": [{"system": GENERATED, "concept": concept}]},
    })  # fmt: skip


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
