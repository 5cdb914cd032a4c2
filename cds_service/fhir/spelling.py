"""Reads another version of FHIR as R4 spelled otherwise: elements go by their R4 names, codes by their R4 words.

A module of a version gives a function for each resource type that differs (`Version.SPELLING`); it is applied once to
what was sent, before anything is read. It adds R4's elements and takes none away: a resource that is spelled as in R4
already stays as it is, so that a chart in which two versions stand side by side is read whole.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.fhir.bundle import Entry
from cds_service.fhir.shapes import Resource, objects, word

Spelling = Mapping[str, Callable[[Resource], Resource]]


def respelled(entries: list[Entry], spelling: Spelling) -> list[Entry]:
    """Give the entries of a list with each resource spelled as in R4."""
    return [(respell(resource, spelling), entry, labels) for resource, entry, labels in entries]


def respell(resource: Any, spelling: Spelling) -> Any:
    """Spell a resource, and those that it contains, as in R4; anything else comes back as it is."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str):
        return resource
    spell = spelling.get(kind)
    told = resource if spell is None else spell(resource)
    if isinstance(told.get("contained"), list):
        within = [respell(each, spelling) if _is_flat(each) else each for each in told["contained"]]
        told = {**told, "contained": within}
    return told


def _is_flat(resource: Any) -> bool:
    """Whether a contained resource contains none itself, as FHIR has it; deeper nesting is never followed."""
    return isinstance(resource, dict) and "contained" not in resource


def renamed(resource: Resource, names: Mapping[str, str]) -> Resource:
    """Copy a resource and give elements their R4 name as well; one that R4's name holds already stays.

    names: the version's own name of an element -> R4's.
    """
    told = dict(resource)
    for theirs, ours in names.items():
        if told.get(theirs) is not None and told.get(ours) is None:
            told[ours] = told[theirs]
    return told


def reworded(resource: Resource, words: Mapping[str, str], element: str = "status") -> Resource:
    """Put R4's word in place of the version's own in a copied resource; any other word stays."""
    known = words.get(word(resource.get(element)))
    if known is not None:
        resource[element] = known
    return resource


def concepts(value: Any) -> list[Any]:
    """Give the concepts of a CodeableReference, or of a list of them."""
    return [each["concept"] for each in objects(value) if each.get("concept") is not None]


def references(value: Any) -> list[Any]:
    """Give the references of a CodeableReference, or of a list of them."""
    return [each["reference"] for each in objects(value) if each.get("reference") is not None]


def parted(resource: Resource, theirs: str, coded: str, reference: str = "") -> Resource:
    """Part a CodeableReference that a copied resource holds into R4's elements; lists stay lists.

    reference: R4's element for the reference, "" where no reader looks at it.
    """
    value = resource.get(theirs)
    if value is None:
        return resource
    for name, found in ((coded, concepts(value)), (reference, references(value))):
        if name and found and resource.get(name) is None:
            resource[name] = found if isinstance(value, list) else found[0]
    return resource
