"""Read a cohort line by line: Bulk Data NDJSON, also gzipped and in several files a type, and a folder of Bundles.

Source: FHIR Bulk Data Access, https://hl7.org/fhir/uv/bulkdata/export.html
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from cds_service.fhir.shapes import Resource, inside, tail
from cds_service.fhir.versions import DIALECTS
from cds_service.fhir.whole_record import RecordProblem, resources_of
from cds_service.population.findings import Findings, Place

NOT_JSON = "is not JSON"
TOO_LONG = "is longer than a resource can be"
TOO_DEEP = "is nested too deep"
NO_RESOURCE = "has no resourceType"
NOT_WHOLE = "is a Bundle that is not whole: it has a further page, an error, or what is no resource"
NOT_WHOLE_GZIP = "cannot be unpacked: the file is cut off or damaged from here on"
NO_ID = "is a Patient without an id"
NO_PERSON = "does not say whose it is"
PATIENT, MEDICATION = "Patient", "Medication"
# Types of which a row can be read: one that says nothing of its person is missing from somebody's record.
_READ = frozenset(
    name for each in DIALECTS.values() for name in (*each.read.READERS, *each.read.SPELLING) if name != MEDICATION
)
_URN = "urn:uuid:"
_BOM = b"\xef\xbb\xbf"  # some editors begin a file of UTF-8 with it
_CUT_OFF = (EOFError, gzip.BadGzipFile, zlib.error)
_MOST_LINE = 16_000_000  # bytes: a packed file of 1 MB could else unpack to one line of 1 GB
BUNDLE = "bundle.json"


class NoCohort(Exception):
    """There is no cohort in a folder; the text says what was found and what is wanted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One resource of a cohort.

    person: id of its patient; "" for one that is about nobody, such as a Medication. raw: its JSON on one line.
    """

    place: Place
    kind: str
    id: str
    person: str
    raw: bytes


def files_of(folder: Path) -> list[Path]:
    """Give the files of a cohort in the order of their names; without any, the bundle.json of each folder in it.

    Raises NoCohort when there is none.
    """
    if not folder.is_dir():
        raise NoCohort(f"{folder}: is no folder; a folder with NDJSON files or Bundles is wanted")
    names = ("*.ndjson", "*.ndjson.gz", "*.json")
    found = sorted({path for name in names for path in folder.glob(name)}) or sorted(folder.glob(f"*/{BUNDLE}"))
    if not found:
        raise NoCohort(f"{folder}: holds no .ndjson, .ndjson.gz or .json file, and no folder with a {BUNDLE}")
    return found


def name_of(path: Path) -> str:
    """Name a file of a cohort, so that it is found again."""
    return f"{path.parent.name}/{path.name}" if path.name == BUNDLE else path.name


def size_of(folder: Path) -> int:
    """Give the bytes of a cohort's files as they stand, gzipped or not. Raises NoCohort."""
    return sum(path.stat().st_size for path in files_of(folder))


def lines_of(path: Path, findings: Findings, read: Callable[[int], None] = lambda _: None) -> Iterator[Line]:
    """Give the resources of a file; what is none goes to `findings`.

    read: is told how many bytes of the file were done with. A Bundle is read whole, NDJSON line by line.
    A packed file that is cut off or damaged is read as far as it goes, and is a finding.
    """
    if path.suffix == ".json":
        yield from _of_bundle(path, findings)
        read(path.stat().st_size)
        return
    packed = path.suffix == ".gz"
    with path.open("rb") as file, gzip.open(file) if packed else file as lines:
        done = number = 0
        try:
            for number, raw in enumerate(_each(lines), 1):
                line = _line(raw, Place(path.name, number), findings)
                if line is not None:
                    yield line
                if number % 1000 == 0:
                    done = _tell(file, done, read)
        except _CUT_OFF:
            findings.add(NOT_WHOLE_GZIP, Place(path.name, number + 1))
        _tell(file, done, read)


def _each(lines: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    """Give each line, of one that is too long the first part: more of it is not held."""
    while raw := lines.readline(_MOST_LINE + 1):
        yield raw
        while len(raw) > _MOST_LINE and raw[-1:] != b"\n":
            raw = lines.readline(_MOST_LINE + 1)


def _tell(file: BinaryIO, done: int, read: Callable[[int], None]) -> int:
    at = file.tell()
    read(at - done)
    return at


def _line(raw: bytes, place: Place, findings: Findings) -> Line | None:
    if len(raw) > _MOST_LINE:
        findings.add(TOO_LONG, place)
        return None
    raw = raw.removeprefix(_BOM).strip() if place.line == 1 else raw.strip()
    if not raw:
        return None
    try:
        resource = orjson.loads(raw)
    except ValueError:
        findings.add(NOT_JSON, place)
        return None
    return sorted_in(resource, raw, place, findings)


def sorted_in(resource: Any, raw: bytes, place: Place, findings: Findings, whose: str = "") -> Line | None:
    """Say of what type a resource is and whose; None, and a finding, when that cannot be told.

    whose: the person that the `urn:uuid` references of its Bundle mean.
    """
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not kind:
        findings.add(NO_RESOURCE, place)
        return None
    own = resource.get("id")
    own_id = own if isinstance(own, str) else ""
    if kind == PATIENT:
        if not own_id:
            findings.add(NO_ID, place)
            return None
        return Line(place, kind, own_id, own_id, raw)
    person = person_of(resource, whose)
    if not person and kind in _READ:
        findings.add(NO_PERSON, place)
        return None
    return Line(place, kind, own_id, person, raw)


def person_of(resource: Resource, whose: str = "") -> str:
    """Give the id of the patient that a resource says it is about; "" when it names none."""
    reference = inside(resource.get("subject") or resource.get("patient"), "reference")
    if not isinstance(reference, str):
        return ""
    if reference.startswith("Patient/") and reference.count("/") == 1:
        return reference[8:].strip()
    if reference.startswith(_URN):
        return whose or reference[len(_URN) :]
    end = tail(reference)
    return end[8:] if end.startswith("Patient/") else ""


def _of_bundle(path: Path, findings: Findings) -> Iterator[Line]:
    """Give the resources of a Bundle by the place of their entry."""
    name = name_of(path)
    try:
        bundle = orjson.loads(path.read_bytes().removeprefix(_BOM))
        resources = resources_of(bundle)
    except RecordProblem:
        findings.add(NOT_WHOLE if inside(bundle, "resourceType") == "Bundle" else NO_RESOURCE, Place(name, 1))
        return
    except orjson.JSONDecodeError as fault:
        findings.add(NOT_JSON, Place(name, fault.lineno))
        return
    people = [each["id"] for each in resources if each.get("resourceType") == PATIENT and each.get("id")]
    whose = people[0] if len(people) == 1 and isinstance(people[0], str) else ""
    for at, resource in enumerate(resources, 1):
        place = Place(name, at)
        try:
            raw = orjson.dumps(resource)
        except TypeError:  # it writes fewer levels than it reads
            findings.add(TOO_DEEP, place)
            continue
        line = sorted_in(resource, raw, place, findings, whose)
        if line is not None:
            yield line
