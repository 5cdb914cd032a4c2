"""Synthetic people: records of opioid use disorder as untidy as real ones, the same for the same seed.

Nobody in them is real, and every Patient says so. Source of all shares and codes: a Plan (cohort_plan).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from cds_service.population.cohort_plan import ABSENT, Held, Plan
from cds_service.population.cohort_resources import BUILDERS, Writing

Resource = dict[str, Any]
SYNTHETIC = {"system": "https://oud-cds.example/synthetic", "code": "synthetic", "display": "Not a real person"}
TEST_PATIENT = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
_DAYS_A_YEAR = 365.25


def people(plan: Plan, patients: int, seed: int, today: date) -> Iterator[list[Resource]]:
    """Give one record after another: the Patient first, then what the record holds.

    One stream of chance runs through all of them, so the first hundred of a thousand are those of a hundred.
    """
    chance = Random(seed)
    for number in range(1, patients + 1):
        yield _person(plan, chance, f"synthetic-{seed}-{number}", today)


def _person(plan: Plan, chance: Random, person: str, today: date) -> list[Resource]:
    random = chance.random
    record = [_patient(plan, chance, person, today)]
    writing = Writing(plan, random, person, today)
    for held, often in (*plan.stories.at(random()), *plan.everyone):
        times = int(often) + (random() < often % 1)
        if times and not (held.not_of and record[0].get("gender") == held.not_of):
            for _ in range(times):
                record += _written(held, writing)
    return record


def _written(held: Held, writing: Writing) -> list[Resource]:
    kind = held.types.at(writing.random())
    return BUILDERS[kind](kind, held, writing)


def _patient(plan: Plan, chance: Random, person: str, today: date) -> Resource:
    random = chance.random
    first, last = plan.ages.at(random())
    born = today - timedelta(days=int((first + random() * (last + 1 - first)) * _DAYS_A_YEAR))
    tags = [SYNTHETIC]
    patient: Resource = {"resourceType": "Patient", "id": person, "meta": {"tag": tags}}
    gender = plan.gender.at(random())
    if gender != ABSENT:
        patient["gender"] = gender
    exact = plan.birth_date.at(random())
    if exact != ABSENT:
        patient["birthDate"] = born.isoformat()[: {"day": 10, "month": 7, "year": 4}[exact]]
    if random() < plan.deceased:
        patient["deceasedDateTime"] = (today - timedelta(days=int(random() * 900))).isoformat()
    if random() < plan.test:
        tags.append(TEST_PATIENT)
    return patient
