"""Everything of a call that must be FHIR, and what of it is not, for clients that are held to the standard.

The structure of one resource is told by a port, because the models that know it are a library; codes by fhir.bindings.
A resource inside another is looked at by itself, so that one fault does not hide the others.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from cds_service.core.problem import Issue
from cds_service.fhir.bindings import unbound
from cds_service.fhir.prefetch import PREFETCH
from cds_service.fhir.shapes import Resource, inside

FETCHED = "all or part of this list came from the FHIR server"
MOST_ISSUES = 1000  # counted in one call; with as many nothing more is looked at

# Gives what is wrong with the structure of one resource of a FHIR version ("R4", "R5", "STU3"), but for the resources
# inside it; `where` of an issue starts below the resource.
Structure = Callable[[str, Resource], Iterable[Issue]]

_DRAFTS = "draftOrders"


def faults(
    version: str,
    prefetch: Mapping[str, Any],
    context: Mapping[str, Any],
    structure: Structure,
    fetched: Collection[str] = (),
) -> tuple[Issue, ...]:
    """Name what of a call is no FHIR of a version, up to MOST_ISSUES; nothing that was sent is repeated.

    prefetch: as sent, with what was fetched in place of it; null is none on record, as CDS Hooks has it.
    fetched:  the keys whose values came from the FHIR server, all or in part: their faults say so. Several pages of one
              are an array.
    A prefetch key that no service asks for is named by its place, as `prefetch[3]`: its name is the sender's.
    """
    found = _faults(version, prefetch, context, structure, fetched)
    return tuple(islice(found, MOST_ISSUES))


def _faults(
    version: str,
    prefetch: Mapping[str, Any],
    context: Mapping[str, Any],
    structure: Structure,
    fetched: Collection[str],
) -> Iterator[Issue]:
    for place, (key, value) in enumerate(prefetch.items()):
        where = f"prefetch.{key}" if key in PREFETCH else f"prefetch[{place}]"
        if key in fetched:
            for issue in _fetched(version, where, value, structure):
                yield replace(issue, text=f"{issue.text}; {FETCHED}")
        elif isinstance(value, dict):
            yield from _resource(version, where, value, structure)
        elif value is not None:
            yield Issue("structure", where, "must be one FHIR resource, such as a Bundle, or null")
    for place, (key, value) in enumerate(context.items()):
        if isinstance(value, dict) and (key == _DRAFTS or "resourceType" in value):
            where = f"context.{_DRAFTS}" if key == _DRAFTS else f"context[{place}]"
            yield from _resource(version, where, value, structure)


def _fetched(version: str, where: str, value: Any, structure: Structure) -> Iterator[Issue]:
    """What is wrong with a list that was fetched; the total of joined pages is our own count (fhir.lacking)."""
    if isinstance(value, dict):
        yield from _resource(version, where, value, structure)
        return
    for place, page in enumerate(value if isinstance(value, list) else ()):
        counted = {name: part for name, part in page.items() if name != "total"}
        yield from _resource(version, f"{where}[{place}]", counted, structure)


def _resource(version: str, where: str, resource: Resource, structure: Structure) -> Iterator[Issue]:
    told = set()
    for issue in structure(version, resource):
        told.add(issue.where)
        yield Issue(issue.code, below(where, issue.where), issue.text)
    for issue in unbound(version, resource):
        if issue.where not in told:
            yield Issue(issue.code, below(where, issue.where), issue.text)
    for path, each in within(resource):
        if path.startswith("contained[") and "contained" in each:
            text = "a contained resource holds no others"
            yield Issue("structure", below(where, f"{path}.contained"), text)
            each = {name: value for name, value in each.items() if name != "contained"}
        yield from _resource(version, below(where, path), each, structure)


def below(where: str, path: str) -> str:
    """Join a path to the place that it starts from; either may be empty."""
    return f"{where}.{path}" if where and path else where or path


def within(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """The resources inside a resource, each with its path."""
    contained = resource.get("contained")
    for place, each in enumerate(contained if isinstance(contained, list) else ()):
        if isinstance(each, dict):
            yield f"contained[{place}]", each
    entries = resource.get("entry") if resource.get("resourceType") == "Bundle" else None
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        for path in (("resource",), ("response", "outcome")):
            each = inside(entry, *path)
            if isinstance(each, dict):
                yield f"entry[{place}].{'.'.join(path)}", each


def without_others(resource: Resource) -> Resource:
    """Copy a resource without the resources inside it, as far as it holds any."""
    told = {name: value for name, value in resource.items() if name != "contained"}
    if told.get("resourceType") == "Bundle" and isinstance(told.get("entry"), list):
        told["entry"] = [_bare(entry) for entry in told["entry"]]
    return told


def _bare(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    told = {name: value for name, value in entry.items() if name != "resource"}
    if isinstance(told.get("response"), dict):
        told["response"] = {name: value for name, value in told["response"].items() if name != "outcome"}
    return told
