"""Step one: sort the lines of a cohort by patient into files small enough to be held in memory one at a time.

Memory does not grow with the cohort: each line goes to the file that its patient's id leads to as soon as it is read.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zlib import crc32

import orjson

from cds_service.fhir.shapes import Resource, inside, tail
from cds_service.population.findings import Findings, Place
from cds_service.population.lines import MEDICATION, PATIENT, Line, NoCohort, files_of, lines_of, name_of

NO_PATIENT = "is of a patient who is not in the cohort"
TWICE = "is a Patient whose id came before"
BYTES_A_PART = 8_000_000
MOST_PARTS = 256  # files open at once
_BUFFER = 1 << 16
_SHARED, _INDEX = "medications.ndjson", "medications.json"


@dataclass(frozen=True, slots=True)
class Person:
    """One patient's record: the Patient first, then the rest in the order of files and lines."""

    id: str
    resources: list[Resource]


@dataclass(frozen=True, slots=True)
class Partition:
    """A cohort sorted by patient.

    parts:    files of whole records; each patient is in exactly one of them. names: the cohort's files, by number.
    lines:    resources by type, those that were left out not among them. aside: those about no patient, by type.
    findings: what could not be used so far; reading a part finds the rest.
    """

    folder: Path
    parts: tuple[Path, ...]
    names: tuple[str, ...]
    lines: Counter[str]
    aside: Counter[str]
    findings: Findings
    seconds: float


def partition(cohort: Path, into: Path, *, least: int = 1, read: Callable[[int], None] = lambda _: None) -> Partition:
    """Sort the files of `cohort` by patient into files in `into`.

    least: how many parts there shall be at least. read: is told how many bytes were done with.
    Raises NoCohort, OSError.
    """
    begun = time.perf_counter()
    files = files_of(cohort)
    whole = sum(path.stat().st_size * (8 if path.suffix == ".gz" else 1) for path in files)
    count = min(max(least, whole // BYTES_A_PART + 1), MOST_PARTS)
    parts = tuple(into / f"{number:03}.part" for number in range(count))
    findings, lines, aside = Findings(), Counter[str](), Counter[str]()
    index: dict[str, int] = {}
    with ExitStack() as stack:
        out = [stack.enter_context(path.open("wb", buffering=_BUFFER)) for path in parts]
        shared = stack.enter_context((into / _SHARED).open("wb", buffering=_BUFFER))
        for number, path in enumerate(files):
            for line in lines_of(path, findings, read):
                lines[line.kind] += 1
                if line.person:
                    out[crc32(line.person.encode()) % count].write(_written(line, number))
                elif line.kind == MEDICATION and line.id:
                    index[line.id] = shared.tell()
                    shared.write(line.raw + b"\n")
                else:
                    aside[line.kind] += 1
    (into / _INDEX).write_bytes(orjson.dumps(index))
    names = tuple(map(name_of, files))
    return Partition(into, parts, names, lines, aside, findings, time.perf_counter() - begun)


def check_people(sorted_in: Partition, cohort: Path) -> None:
    """Raise NoCohort for a cohort without a Patient, unless lines are at fault, which are told in its report."""
    if not sorted_in.lines[PATIENT] and not sorted_in.findings.total:
        raise NoCohort(f"{cohort}: holds no Patient, so there is nobody to judge")


def _written(line: Line, number: int) -> bytes:
    return b"%b\t%d\t%d\t%b\n" % (orjson.dumps(line.person), number, line.place.line, line.raw)


def records_of(part: Path, names: tuple[str, ...], findings: Findings) -> Iterator[Person]:
    """Give the records of one part, in the order of their ids; what belongs to no Patient goes to `findings`."""
    lines: dict[bytes, list[tuple[int, int, bytes]]] = {}
    with part.open("rb") as file:
        for line in file:
            person, number, at, raw = line.split(b"\t", 3)
            lines.setdefault(person, []).append((int(number), int(at), raw))
    with _Medications(part.parent) as medications:
        for person in sorted(lines):
            found = _person(orjson.loads(person), sorted(lines.pop(person)), names, findings)
            if found is not None:
                found.resources.extend(medications.needed(found.resources))
                yield found


def _person(id_: str, lines: list[tuple[int, int, bytes]], names: tuple[str, ...], findings: Findings) -> Person | None:
    patients: list[Resource] = []
    others: list[Resource] = []
    for number, at, raw in lines:
        resource = orjson.loads(raw)
        if resource["resourceType"] != PATIENT:
            others.append(resource)
        elif patients:
            findings.add(TWICE, Place(names[number], at))
        else:
            patients.append(resource)
    if patients:
        return Person(id_, [*patients, *others])
    for number, at, _ in lines:
        findings.add(NO_PATIENT, Place(names[number], at))
    return None


def records(
    cohort: Path,
    findings: Findings | None = None,
    *,
    read: Callable[[int], None] = lambda _: None,
    begin: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[str, list[Resource]]]:
    """Give every patient of a cohort with their whole record, sorting it first in a temporary folder.

    findings: takes up what could not be used. read: is told how many bytes were sorted; begin: how many Patients there
    are, before the first is given. Raises NoCohort, OSError.
    """
    findings = findings if findings is not None else Findings()
    with TemporaryDirectory(prefix="cohort-") as folder:
        sorted_in = partition(cohort, Path(folder), read=read)
        findings.merge(sorted_in.findings)
        begin(sorted_in.lines[PATIENT])
        for part in sorted_in.parts:
            for person in records_of(part, sorted_in.names, findings):
                yield person.id, person.resources


class _Medications:
    """Medications that orders refer to, looked up on disk; a class because it holds the file."""

    def __init__(self, folder: Path) -> None:
        self._index: dict[str, int] = orjson.loads((folder / _INDEX).read_bytes())
        self._file: BinaryIO | None = (folder / _SHARED).open("rb") if self._index else None

    def __enter__(self) -> "_Medications":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def needed(self, resources: list[Resource]) -> list[Resource]:
        """Give the Medications that these resources refer to, each once."""
        if self._file is None:
            return []
        named = {each: None for resource in resources if (each := _medication(resource)) in self._index}
        found: list[Resource] = []
        for each in named:
            self._file.seek(self._index[each])
            found.append(orjson.loads(self._file.readline()))
        return found


def _medication(resource: Resource) -> str:
    reference = inside(resource.get("medicationReference"), "reference")
    if reference is None and "medication" in resource:  # R5
        reference = inside(resource["medication"], "reference", "reference")
    end = tail(reference) if isinstance(reference, str) else ""
    return end.removeprefix(f"{MEDICATION}/") if end.startswith(f"{MEDICATION}/") else ""
