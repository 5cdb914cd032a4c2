"""Doses given: which of them were given in a hospital, when no category says so."""

from typing import Any

import pytest

from tests.unit.fhir_calls import resource, use_of

GIVEN: dict[str, Any] = {"status": "completed", "context": {"reference": "Encounter/e1"}}


def stay(encounter_class: str) -> dict[str, Any]:
    return resource("Encounter", id="e1", **{"class": {"code": encounter_class}})


@pytest.mark.parametrize("encounter_class", ["IMP", "ACUTE", "NONAC", "OBSENC", "SS", "EMER", "imp"])
def test_a_dose_of_a_hospital_or_emergency_stay_is_inpatient(encounter_class: str) -> None:
    assert use_of("MedicationAdministration", stay(encounter_class), **GIVEN).categories == ("inpatient",)


@pytest.mark.parametrize("encounter_class", ["AMB", "HH", "VR", "FLD"])
def test_a_dose_of_another_visit_is_not(encounter_class: str) -> None:
    assert use_of("MedicationAdministration", stay(encounter_class), **GIVEN).categories == ()


def test_a_dose_whose_encounter_did_not_come_is_not() -> None:
    assert use_of("MedicationAdministration", **GIVEN).categories == ()


def test_a_category_on_record_goes_before_the_class_of_the_encounter() -> None:
    community = {"coding": [{"code": "community"}]}
    assert use_of("MedicationAdministration", stay("IMP"), category=community, **GIVEN).categories == ("community",)
