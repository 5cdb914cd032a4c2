"""Security labels: the codes in meta.security of a Bundle, of a resource, and of what a resource contains.

The highest mark counts: what is read out of a resource bears the labels of the resource, of each one contained in it
and of every Bundle around it. Source: https://hl7.org/fhir/R4/security-labels.html ("High Water Mark").
"""

from collections.abc import Iterator
from typing import Any

from cds_service.fhir.shapes import Resource, objects

NO_LABELS: frozenset[str] = frozenset()
# A letter says nothing without its code system, so that of another system is no confidentiality level. All other codes
# count whatever system they name: senders err in it more often than they use the same word for something else, and a
# notice too many does less harm than a record that is passed on as any other.
_LEVELS = frozenset("LMNRUV")
_LEVEL_SYSTEMS = ("v3-confidentiality", "v3/confidentiality", "2.16.840.1.113883.5.25")


def labels_of(resource: Any) -> frozenset[str]:
    """Give the upper-case security label codes of a resource or Bundle, and of the resources contained in it.

    Never raises: a label may come as Coding, CodeableConcept or bare code, alone or in a list; one without a code that
    is text says nothing.
    """
    if not isinstance(resource, dict):
        return NO_LABELS
    if "contained" not in resource:  # most resources have a meta without labels
        meta = resource.get("meta")
        if meta is None or (isinstance(meta, dict) and "security" not in meta):
            return NO_LABELS
    waiting: list[Resource] = [resource]
    found: set[str] = set()
    for each in waiting:  # grows while it is walked
        for meta in objects(each.get("meta")):
            if meta.get("security") is not None:
                found.update(_codes(meta["security"]))
        waiting += objects(each.get("contained"))
    return frozenset(found) if found else NO_LABELS


def _codes(security: Any) -> Iterator[str]:
    waiting = [security]
    for each in waiting:  # grows while it is walked
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, str):
            yield from filter(None, (each.strip().upper(),))
        elif isinstance(each, dict):
            if each.get("coding") is not None:
                waiting.append(each["coding"])
            code = each.get("code")
            if isinstance(code, str) and code.strip() and _counts(code.strip().upper(), each.get("system")):
                yield code.strip().upper()


def _counts(code: str, system: Any) -> bool:
    """Whether a code means what it says: a level does only in its own system, or where no system is named."""
    if code not in _LEVELS or not isinstance(system, str) or not system.strip():
        return True
    return system.partition("|")[0].strip().rstrip("/").lower().endswith(_LEVEL_SYSTEMS)
