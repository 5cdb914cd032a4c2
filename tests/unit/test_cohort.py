"""Synthetic cohorts: one seed gives the same bytes, every resource is FHIR, every Patient says that it is made up."""

import json
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service.cli import main
from cds_service.core.rule import Release
from cds_service.population.cohort import SYNTHETIC, people
from cds_service.population.cohort_command import write_cohort
from cds_service.population.cohort_plan import PLAN, Plan, PlanProblem, read_plan
from cds_service.population.cohort_resources import BUILDERS
from cds_service.rulebook.release import load_release

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 3, 1)


@cache
def release() -> Release:
    found = load_release(ROOT / "rules").release
    assert found
    return found


@cache
def plan() -> Plan:
    return read_plan(release())


def resources(patients: int, seed: int = 7) -> list[dict[str, Any]]:
    return [each for record in people(plan(), patients, seed, TODAY) for each in record]


def written(folder: Path, patients: int, seed: int) -> dict[str, bytes]:
    write_cohort(people(plan(), patients, seed, TODAY), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = written(tmp_path / "a", 200, 7)
    assert written(tmp_path / "b", 200, 7) == first
    assert written(tmp_path / "c", 200, 8) != first


def test_a_larger_cohort_begins_with_the_smaller_one() -> None:
    fewer = resources(50)
    assert resources(100)[: len(fewer)] == fewer


def test_a_sample_of_every_type_is_fhir() -> None:
    seen: Counter[str] = Counter()
    for each in resources(1200):
        kind = each["resourceType"]
        seen[kind] += 1
        if seen[kind] <= 60:
            get_fhir_model_class(kind).model_validate(each)
    assert set(seen) == {"Patient", "Medication", *BUILDERS}


def test_every_patient_says_that_nobody_is_meant() -> None:
    patients = [each for each in resources(300) if each["resourceType"] == "Patient"]
    assert len(patients) == 300
    assert all(SYNTHETIC in each["meta"]["tag"] for each in patients)
    assert not any({"name", "identifier", "address", "telecom"} & each.keys() for each in patients)


def test_a_record_holds_about_six_resources() -> None:
    assert 5.5 < len(resources(2000)) / 2000 < 7.5


def test_records_are_untidy() -> None:
    conditions = [each for each in resources(1200) if each["resourceType"] == "Condition"]
    assert any("coding" not in each.get("code", {"coding": 1}) for each in conditions)
    assert any("code" not in each for each in conditions)
    assert any("clinicalStatus" not in each for each in conditions)
    assert any("verificationStatus" not in each for each in conditions)
    assert any(len(each.get("onsetDateTime", "")) == 7 for each in conditions)
    assert any("onsetDateTime" not in each for each in conditions)


def test_ids_are_told_apart_and_nothing_lies_ahead() -> None:
    found = resources(500)
    names = [(each["resourceType"], each["id"]) for each in found]
    assert len(names) == len(set(names))
    began = [
        each[name] for each in found for name in ("onsetDateTime", "authoredOn", "effectiveDateTime") if name in each
    ]
    assert began
    assert max(each[:10] for each in began) <= TODAY.isoformat()


def test_a_plan_with_a_value_set_that_is_not_there_says_where(tmp_path: Path) -> None:
    file = tmp_path / "cohort.yaml"
    file.write_text(PLAN.read_text(encoding="utf-8").replace("{depression: 1}", "{no-such-set: 1}"), encoding="utf-8")
    with pytest.raises(PlanProblem, match="depression: the release has no value set no-such-set"):
        read_plan(release(), file)


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "cohort"
    arguments = ["--patients", "20", "--seed", "4", "--today", "2026-03-01", "--folder", str(ROOT / "rules")]
    assert main(["rules", "cohort", "--out", str(out), *arguments]) == 0
    head, people_line, written_line, *files = capsys.readouterr().out.replace(str(tmp_path), "HERE").splitlines()
    counted = {path.name: len(path.read_bytes().splitlines()) for path in out.iterdir()}
    assert head.endswith(f"release {release().id}")
    assert people_line == "cohort: 20 synthetic people as of 2026-03-01, seed 4; none of them is real"
    whole = sum(counted.values())
    assert written_line.startswith(f"written: {whole:,} resources, {whole / 20:.1f} a person, in ")
    assert written_line.endswith(" s, to HERE/cohort")
    assert files == [f"  {name:32} {counted[name]:12,}" for name in sorted(counted)]
    patients = (out / "Patient.ndjson").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["resourceType"] for line in patients} == {"Patient"}


def test_the_command_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Patient.ndjson").write_text("", encoding="utf-8")
    assert main(["rules", "cohort", "--patients", "1", "--out", str(tmp_path), "--folder", str(ROOT / "rules")]) == 2
    assert capsys.readouterr().err == (f"rules cohort: {tmp_path} holds NDJSON files already; name another folder\n")
