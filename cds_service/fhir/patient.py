"""The Patient of the call: who it is, and the Patient row.

Source: https://hl7.org/fhir/R4/patient.html; US Core sex and birth sex extensions, https://hl7.org/fhir/us/core/
"""

from typing import Any

from cds_service.core.facts import Row
from cds_service.core.problem import Issue, RequestProblem
from cds_service.core.restricted import CAREFUL, Part2
from cds_service.fhir.bundle import WITHHELD_LABELS, full_url, open_value
from cds_service.fhir.labels import labels_of
from cds_service.fhir.prefetch import PATIENT
from cds_service.fhir.shapes import Resource, codes, extensions, flag, inside, objects, tail, word
from cds_service.fhir.subject import Person
from cds_service.fhir.when import number_in, span

WHERE = f"prefetch.{PATIENT}"
_SEX_WORDS = {
    "m": "male", "male": "male", "f": "female", "female": "female",
    "unk": "unknown", "unknown": "unknown", "oth": "unknown", "other": "unknown", "asku": "unknown",
    "asked-declined": "unknown", "asked-unknown": "unknown",
}  # fmt: skip
# The concepts that US Core binds its sex extension to (Federal Administrative Sex), by number.
_SEX_NUMBERS = {248152002: "female", 248153007: "male", 184115007: "unknown"}


def identify(context: Any, prefetch: Any) -> Person:
    """Give the patient of the call.

    Raises RequestProblem: 400 when the context names no patient; 412 when `prefetch.patient` was not sent, cannot be
    read, or is someone else.
    """
    written = inside(context, "patientId")
    patient_id = tail(written).removeprefix("Patient/") or written.strip() if isinstance(written, str) else ""
    if not patient_id:
        raise RequestProblem(
            400, Issue("required", "context.patientId", "no patient id; the id of a Patient is wanted")
        )
    if not isinstance(prefetch, dict) or PATIENT not in prefetch:
        raise RequestProblem(412, Issue("required", WHERE, "was not sent; the Patient of context.patientId is wanted"))
    opened = open_value(prefetch[PATIENT])
    if not opened.patients:
        found = ", ".join(opened.whys) or "holds no Patient"
        raise RequestProblem(412, Issue("not-found", WHERE, f"{found}; the Patient of context.patientId is wanted"))
    for resource, entry, labels in opened.patients:
        if resource.get("id") == patient_id:
            person = Person(patient_id, resource, {f"Patient/{patient_id}"}, labels | labels_of(resource))
            if full_url(entry):
                person.known_as(full_url(entry))
            return person
    raise RequestProblem(412, Issue("value", WHERE, "is another Patient than context.patientId names"))


def patient_row(person: Person, part2: Part2 = CAREFUL) -> Row:
    """Build the Patient row: birth date, sex, and whether the person is living.

    Whatever its labels, it is read: it is who the call is about.
    """
    resource = person.resource
    return Row(
        fact="Patient",
        reference=f"Patient/{person.id}",
        status=_status(person),
        sex=sex(resource),
        birth_date=span(resource.get("birthDate")),
        labels=part2.kept(person.labels),
    )


def _status(person: Person) -> str | None:
    """Say deceased, test or living; None when that cannot be read or may have been taken out of the record."""
    resource = person.resource
    died = flag(resource.get("deceasedBoolean"))
    if died or resource.get("deceasedDateTime") is not None:
        return "deceased"
    if "htest" in codes(inside(resource, "meta", "tag")):
        return "test"
    return None if died is None or person.labels & WITHHELD_LABELS else "living"


def sex(resource: Resource) -> str | None:
    """Give US Core sex, else birth sex, else gender, as male, female or unknown; None when none is recorded.

    What is recorded but not understood is unknown: it is never passed over for the next source.
    """
    for extension in extensions(resource, "us-core-sex", "us-core-individual-sex", "us-core-birthsex"):
        for name in ("valueCode", "valueCoding", "valueCodeableConcept", "valueString"):
            if extension.get(name) is not None:
                return _sex(extension[name])
    gender = resource.get("gender")
    return None if gender is None else _sex(gender)


def _sex(value: Any) -> str:
    known = _SEX_WORDS.get(word(value))
    if known is not None:  # a plain code, as gender is
        return known
    spoken = [
        word(coding.get("display")) for each in objects(value) for coding in objects(each.get("coding")) or [each]
    ]
    for code in (*codes(value), *spoken):
        number = number_in(code) if code.isdigit() else None
        found = _SEX_WORDS.get(code) or (_SEX_NUMBERS.get(int(number)) if number is not None else None)
        if found:
            return found
    return "unknown"
