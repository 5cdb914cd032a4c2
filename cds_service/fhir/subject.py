"""Whose resource is it? Only rows that say they are this patient's are ever used.

DESIGN: a resource of another patient, or with no subject, never counts; the list it came in is partly read.
"""

from dataclasses import dataclass, field
from typing import Any

from cds_service.fhir.labels import NO_LABELS
from cds_service.fhir.shapes import Resource, inside, objects, tail

SAME, OTHER, NOBODY = "", "another patient", "no subject"


@dataclass(frozen=True, slots=True)
class Person:
    """The patient of the call.

    same: references known to mean this person; grows as further spellings are met (the only part that changes).
    labels: of the resource and its Bundle.
    """

    id: str
    resource: Resource
    same: set[str] = field(default_factory=set)
    labels: frozenset[str] = NO_LABELS

    def known_as(self, full_url: str) -> None:
        """Note the fullUrl of this person's Patient entry, such as a `urn:uuid`."""
        self.same.add(full_url)


def whose(resource: Resource, person: Person) -> str:
    """Say whose it is: SAME, OTHER or NOBODY.

    `Patient/id`, an absolute URL, a version, the `urn:uuid` of the Bundle's Patient and a contained Patient are the
    same person; an identifier alone is no subject, for it cannot be compared.
    """
    subject, patient = resource.get("subject"), resource.get("patient")
    if patient is None or subject is None:
        return _of(subject if patient is None else patient, resource, person)
    verdicts = {_of(subject, resource, person), _of(patient, resource, person)}
    return OTHER if OTHER in verdicts else NOBODY if verdicts == {NOBODY} else SAME


def _of(subject: Any, resource: Resource, person: Person) -> str:
    reference = inside(subject, "reference")
    if not isinstance(reference, str) or not reference.strip():
        return NOBODY
    if reference in person.same:
        return SAME
    reference = reference.strip()
    if reference.startswith("#"):
        return _contained(reference[1:], resource, person)
    if tail(reference) == f"Patient/{person.id}" or reference == f"urn:uuid:{person.id}":
        person.same.add(reference)
        return SAME
    return OTHER


def _contained(local_id: str, resource: Resource, person: Person) -> str:
    """A contained Patient is this person unless its birth date or an identifier of the same system says otherwise."""
    for each in objects(resource.get("contained")):
        if each.get("id") == local_id and each.get("resourceType") == "Patient":
            born = each.get("birthDate")
            if born is not None and person.resource.get("birthDate") not in (None, born):
                return OTHER
            mine, theirs = _identifiers(person.resource), _identifiers(each)
            shared = mine.keys() & theirs.keys()
            return OTHER if shared and not any(mine[system] & theirs[system] for system in shared) else SAME
    return NOBODY


def _identifiers(patient: Resource) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in objects(patient.get("identifier")):
        system, value = each.get("system"), each.get("value")
        if isinstance(system, str) and isinstance(value, str):
            found.setdefault(system, set()).add(value)
    return found
