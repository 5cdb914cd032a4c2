"""What a prefetch value holds: the resources in it, and why it may not be the whole list.

A value is a searchset or collection Bundle, a single resource, an array of either, null, or something that is no
list at all (an OperationOutcome, an HTML page). Source: CDS Hooks 2.0, "Prefetch Template".
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cds_service.fhir.shapes import Resource, codes, inside, labels_of, objects, word

NOT_SENT = "not sent"
ERROR = "error"
NO_FHIR = "no FHIR resource"
FURTHER_PAGE = "further page"
REDACTED = "redacted"
SUPPRESSED = "in part withheld by the source"
WITHHELD_LABELS = frozenset({"REDACTED", "SUBSETTED", "MASKED"})
DEEPEST = 3  # Bundles inside arrays or Bundles

# Warnings that say rows are missing; any other warning or information leaves the list whole.
# Source: https://hl7.org/fhir/R4/valueset-issue-type.html
_ROWS_MISSING = frozenset({
    "security", "login", "unknown", "expired", "forbidden", "suppressed", "too-costly", "transient", "lock-error",
    "no-store", "exception", "timeout", "incomplete", "throttled",
})  # fmt: skip
_NO_RESULTS = "4101"  # Epic: "Resource request returns no results"


class Entry(NamedTuple):
    """One thing found in a list. resource may be anything; labels are those of the Bundle it came in."""

    resource: Any
    full_url: str = ""
    labels: frozenset[str] = frozenset()
    matched: bool = True  # False: included beside the matches (search.mode include)


@dataclass(slots=True)
class Opened:
    """A prefetch value, opened. whys: reasons why rows may be missing; more: it is one page of several."""

    entries: list[Entry] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    more: bool = False
    sorted_otherwise: bool = False


def open_value(value: Any) -> Opened:
    """Open a prefetch value that was sent; null is an empty list."""
    opened = Opened()
    _open(value, opened, 0)
    return opened


def _open(value: Any, opened: Opened, depth: int) -> None:
    if value is None and depth == 0:
        return
    if isinstance(value, list) and depth < DEEPEST:
        for each in value:
            if isinstance(each, dict) and each.get("resourceType") in ("Bundle", "OperationOutcome"):
                _open(each, opened, depth + 1)
            else:
                opened.entries.append(Entry(each))
        return
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str) or depth >= DEEPEST:
        opened.whys.append(NO_FHIR)
    elif value["resourceType"] == "Bundle":
        _open_bundle(value, opened, depth)
    elif value["resourceType"] == "OperationOutcome":
        why = _outcome(value, alone=True)
        if why:
            opened.whys.append(why)
    else:
        opened.entries.append(Entry(value))


def _open_bundle(bundle: Resource, opened: Opened, depth: int) -> None:
    labels = labels_of(bundle)
    if labels & WITHHELD_LABELS:
        opened.whys.append(REDACTED)
        return
    for link in objects(bundle.get("link")):
        relation = word(link.get("relation"))
        if relation == "next":
            opened.more = True
        elif relation == "self" and _sorted_otherwise(link.get("url")):
            opened.sorted_otherwise = True
    entries = bundle.get("entry")
    if entries is not None and not isinstance(entries, list | dict):
        opened.whys.append(NO_FHIR)
        return
    listed = entries if isinstance(entries, list) else [] if entries is None else [entries]
    total = bundle.get("total")
    if isinstance(total, int) and total > len(listed):
        opened.more = True  # a client may strip the links of a page, but not its total
    for each in listed:
        _open_entry(each, labels, opened, depth)


def _open_entry(entry: Any, labels: frozenset[str], opened: Opened, depth: int) -> None:
    if not isinstance(entry, dict):
        opened.entries.append(Entry(None, "", labels))
        return
    resource = entry.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if isinstance(resource, dict) and kind == "OperationOutcome":
        why = _outcome(resource, alone=False)
        if why:
            opened.whys.append(why)
        return
    if kind == "Bundle":
        _open(resource, opened, depth + 1)
        return
    if resource is None:
        answer = inside(entry, "response", "status")
        if isinstance(answer, str) and answer[:1] in ("4", "5"):
            opened.whys.append(ERROR)
            return
    full_url, search = entry.get("fullUrl"), entry.get("search")
    matched = not isinstance(search, dict) or search.get("mode") not in ("include", "outcome")
    opened.entries.append(Entry(resource, full_url if isinstance(full_url, str) else "", labels, matched))


def _outcome(outcome: Resource, *, alone: bool) -> str:
    """Say why an OperationOutcome means that rows are missing; "" when it does not.

    alone: it stands in place of the list; then only the "no results" warning says that the list is empty.
    """
    issues = objects(outcome.get("issue"))
    if not issues:
        return ERROR
    empty = False
    for issue in issues:
        if word(issue.get("severity")) not in ("warning", "information", "success"):
            return ERROR
        if _NO_RESULTS in codes(issue.get("details")):
            empty = True
        elif word(issue.get("code")) in _ROWS_MISSING:
            return SUPPRESSED
    return ERROR if alone and not empty else ""


def _sorted_otherwise(url: Any) -> bool:
    """Whether a page's own link says that it is not sorted newest first."""
    if not isinstance(url, str) or "_sort=" not in url:
        return False
    return not url.split("_sort=", 1)[1].startswith("-")
