"""Doses given: what says where, when no category does."""

from typing import Any

import pytest

from tests.unit.fhir_calls import resource, use_of

GIVEN: dict[str, Any] = {"status": "completed", "context": {"reference": "Encounter/e1"}}


def stay(encounter_class: str) -> dict[str, Any]:
    return resource("Encounter", id="e1", **{"class": {"code": encounter_class}})


@pytest.mark.parametrize("encounter_class", ["IMP", "EMER", "amb"])
def test_a_dose_without_a_category_takes_the_class_of_its_encounter(encounter_class: str) -> None:
    row = use_of("MedicationAdministration", stay(encounter_class), **GIVEN)
    assert row.categories == (encounter_class.lower(),)


def test_a_dose_whose_encounter_did_not_come_has_no_category() -> None:
    assert use_of("MedicationAdministration", **GIVEN).categories == ()


def test_a_category_on_record_goes_before_the_class_of_the_encounter() -> None:
    community = {"coding": [{"code": "community"}]}
    assert use_of("MedicationAdministration", stay("IMP"), category=community, **GIVEN).categories == ("community",)
