"""Sorting a cohort by patient: whatever the order of its lines, nothing is lost, and what cannot be used is named."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.population.findings import Findings, Place
from cds_service.population.lines import (
    NO_ID,
    NO_PERSON,
    NO_RESOURCE,
    NOT_JSON,
    NOT_WHOLE,
    NOT_WHOLE_GZIP,
    NoCohort,
)
from cds_service.population.partition import NO_PATIENT, TWICE, partition, records, records_of

Json = dict[str, Any]


def patient(id_: str) -> Json:
    return {"resourceType": "Patient", "id": id_}


def condition(id_: str, person: str) -> Json:
    return {"resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{person}"}}


def cohort(folder: Path, files: Mapping[str, Sequence[Json | str]]) -> Path:
    for name, lines in files.items():
        text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines)
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder


def found_in(folder: Path) -> tuple[dict[str, list[Json]], Findings]:
    findings = Findings()
    return dict(records(folder, findings)), findings


LINES = st.lists(
    st.one_of(
        st.builds(patient, st.sampled_from("abcde")),
        st.builds(condition, st.integers(0, 999).map(str), st.sampled_from("abcdefg")),
        st.just({"resourceType": "Organization", "id": "o"}),
        st.just({"resourceType": "Condition", "id": "nobody's"}),
        st.sampled_from(["{", "[1]", '{"id": "x"}']),
    ),
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(
    lines=LINES, cuts=st.tuples(st.integers(0, 40), st.integers(0, 40)), parts=st.integers(1, 5), chance=st.randoms()
)
def test_nothing_is_lost_whatever_the_order(lines: list[Any], cuts: tuple[int, int], parts: int, chance: Any) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other, TemporaryDirectory() as into:
        first, second = sorted(cuts)
        files = {"a.ndjson": lines[:first], "b.001.ndjson": lines[first:second], "c.ndjson.gz": lines[second:]}
        got = partition(cohort(Path(one), files), Path(into), least=parts)
        rest = Findings()
        kept = {each.id: each.resources for part in got.parts for each in records_of(part, got.names, rest)}
        used = sum(map(len, kept.values())) + got.aside.total() + got.findings.total + rest.total
        assert used == len(lines)
        shuffled = chance.sample(lines, len(lines))
        again, findings = found_in(cohort(Path(other), {"x.ndjson": shuffled}))
        assert {id_: sorted(map(json.dumps, each)) for id_, each in again.items()} == {
            id_: sorted(map(json.dumps, each)) for id_, each in kept.items()
        }
        assert findings.counts == got.findings.counts + rest.counts


def test_a_bad_line_is_named_by_file_and_line(tmp_path: Path) -> None:
    cohort(tmp_path, {
        "Condition.ndjson": [condition("1", "a"), "{", condition("2", "z"), {"resourceType": "Condition"}],
        "Patient.ndjson": [patient("a"), "", patient("a"), "[]", {"resourceType": "Patient"}],
    })  # fmt: skip
    people, findings = found_in(tmp_path)
    assert people == {"a": [patient("a"), condition("1", "a")]}
    assert findings.first == {
        NOT_JSON: [Place("Condition.ndjson", 2)],
        NO_PATIENT: [Place("Condition.ndjson", 3)],
        NO_PERSON: [Place("Condition.ndjson", 4)],
        TWICE: [Place("Patient.ndjson", 3)],
        NO_RESOURCE: [Place("Patient.ndjson", 4)],
        NO_ID: [Place("Patient.ndjson", 5)],
    }
    assert findings.total == 6


def test_of_many_bad_lines_all_are_counted_and_the_first_ten_named() -> None:
    findings, other = Findings(), Findings()
    for line in range(20, 0, -1):
        (findings if line % 2 else other).add(NOT_JSON, Place("a", line))
    findings.merge(other)
    assert findings.counts == {NOT_JSON: 20}
    assert [each.line for each in findings.first[NOT_JSON]] == list(range(1, 11))


@pytest.mark.parametrize(
    "reference", ["Patient/a", "https://ehr.example/fhir/Patient/a", "urn:uuid:a", "Patient/a/_history/2"]
)
def test_a_person_is_known_by_any_spelling(tmp_path: Path, reference: str) -> None:
    row = {"resourceType": "AllergyIntolerance", "id": "1", "patient": {"reference": reference}}
    cohort(tmp_path, {"a.ndjson": [row, patient("a")]})
    assert found_in(tmp_path)[0] == {"a": [patient("a"), row]}


def test_a_bundle_gives_its_entries(tmp_path: Path) -> None:
    row = {"resourceType": "Condition", "id": "1", "subject": {"reference": "urn:uuid:of-the-entry"}}
    entries = [{"resource": patient("a"), "fullUrl": "urn:uuid:of-the-entry"}, {"resource": row}]
    (tmp_path / "a.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), encoding="utf-8")
    (tmp_path / "b.json").write_text("no", encoding="utf-8")
    people, findings = found_in(tmp_path)
    assert people == {"a": [patient("a"), row]}
    assert findings.first == {NOT_JSON: [Place("b.json", 1)]}


def test_a_drug_comes_with_each_order_that_names_it(tmp_path: Path) -> None:
    drug, other = ({"resourceType": "Medication", "id": each} for each in ("m1", "m2"))
    orders = [
        {
            "resourceType": "MedicationRequest", "id": each, "subject": {"reference": f"Patient/{each}"},
            "medicationReference": {"reference": "Medication/m1"},
        }
        for each in ("a", "b")
    ]  # fmt: skip
    cohort(tmp_path, {"Medication.ndjson": [drug, other], "o.ndjson": orders, "p.ndjson": [patient("a"), patient("b")]})
    assert found_in(tmp_path)[0] == {each["id"]: [patient(each["id"]), each, drug] for each in orders}


def test_a_folder_without_a_cohort_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(NoCohort, match=r"holds no \.ndjson"):
        list(records(tmp_path))
    with pytest.raises(NoCohort, match="is no folder"):
        list(records(tmp_path / "none"))


def test_a_file_that_begins_with_a_mark_of_its_encoding_is_read(tmp_path: Path) -> None:
    for name, value in (("a.ndjson", patient("a")), ("b.json", patient("b"))):
        (tmp_path / name).write_text(f"\ufeff{json.dumps(value)}\r\n", encoding="utf-8")
    people, findings = found_in(tmp_path)
    assert (sorted(people), findings.total) == (["a", "b"], 0)


@pytest.mark.parametrize("damage", ["cut off", "damaged", "no gzip"])
def test_of_a_packed_file_that_is_damaged_what_came_before_is_kept(damage: str, tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(json.dumps(patient(f"p{number}")).encode() + b"\n" for number in range(9000)))
    broken = {
        "cut off": packed[: len(packed) // 2],
        "damaged": packed[: len(packed) // 2] + b"\xff" * 40 + packed[len(packed) // 2 + 40 :],
        "no gzip": b"no",
    }[damage]
    (tmp_path / "Patient.ndjson.gz").write_bytes(broken)
    cohort(tmp_path, {"b.ndjson": [patient("b")]})
    people, findings = found_in(tmp_path)
    [at] = findings.first[NOT_WHOLE_GZIP]
    assert "b" in people
    assert (at.file, at.line > 100) == ("Patient.ndjson.gz", damage != "no gzip")
    assert len(people) > at.line // 3  # what the damage gives instead of lines is told line by line


def test_a_bundle_that_is_not_whole_is_told_as_such(tmp_path: Path) -> None:
    more = {"resourceType": "Bundle", "link": [{"relation": "next", "url": "https://ehr.example/2"}]}
    (tmp_path / "a.json").write_text(json.dumps({**more, "entry": [{"resource": patient("a")}]}), encoding="utf-8")
    (tmp_path / "b.json").write_text("{\n  no", encoding="utf-8")
    (tmp_path / "c.json").write_text("{}", encoding="utf-8")
    people, findings = found_in(tmp_path)
    assert (people, findings.first) == ({}, {
        NOT_WHOLE: [Place("a.json", 1)], NOT_JSON: [Place("b.json", 2)], NO_RESOURCE: [Place("c.json", 1)],
    })  # fmt: skip


def test_a_folder_of_folders_with_a_bundle_each_is_a_cohort(tmp_path: Path) -> None:
    for name, text in (("one", json.dumps(patient("a"))), ("two", "no")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bundle.json").write_text(text, encoding="utf-8")
    people, findings = found_in(tmp_path)
    assert (people, findings.first) == ({"a": [patient("a")]}, {NOT_JSON: [Place("two/bundle.json", 1)]})
