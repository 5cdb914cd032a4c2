"""What a prefetch value holds: the resources in it, and why it may not be the whole list.

A value is a searchset or collection Bundle, a single resource, an array of either, null, or something that is no
list at all (an OperationOutcome, an HTML page). Source: CDS Hooks 2.0, "Prefetch Template".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.fhir.labels import NO_LABELS, labels_of
from cds_service.fhir.shapes import Resource, codes, inside, objects, word

NOT_SENT = "not sent"
NOT_FETCHED = "not sent, and could not be fetched"
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
_PATIENT = "Patient"
_NO_ROWS = (None, _PATIENT, "Bundle", "OperationOutcome")  # what an entry of a searchset rarely holds
_NO_RESULTS = "4101"  # Epic: "Resource request returns no results"


# One thing found in a list: the resource, which may be anything; the entry that holds it, empty when none does; the
# labels of the Bundles around it. A plain tuple, because a call makes a thousand of them.
Entry = tuple[Any, Mapping[str, Any], frozenset[str]]
_BARE: Mapping[str, Any] = {}


@dataclass(slots=True)
class Opened:
    """A prefetch value, opened.

    patients: those of the entries that are Patients. whys: reasons why rows may be missing.
    more: it is one page of several. labels: of all its Bundles, also of empty ones.
    """

    entries: list[Entry] = field(default_factory=list)
    patients: list[Entry] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    more: bool = False
    sorted_otherwise: bool = False
    labels: frozenset[str] = NO_LABELS


def open_value(value: Any) -> Opened:
    """Open a prefetch value that was sent; null is an empty list."""
    opened = Opened()
    if isinstance(value, dict) and value.get("resourceType") == "Bundle":
        _open_bundle(value, opened, 0, NO_LABELS)
    else:
        _open(value, opened, 0, NO_LABELS)
    return opened


def full_url(entry: Mapping[str, Any]) -> str:
    """Give the fullUrl of a Bundle's entry, "" when it has none."""
    written = entry.get("fullUrl")
    return written if isinstance(written, str) else ""


def is_match(entry: Mapping[str, Any]) -> bool:
    """Whether a Bundle's entry was searched for, not included beside the matches."""
    search = entry.get("search")
    return not isinstance(search, dict) or search.get("mode") not in ("include", "outcome")


def _open(value: Any, opened: Opened, depth: int, labels: frozenset[str]) -> None:
    """Open a value; labels: of the Bundles around it, which pass on to whatever stands in them."""
    if value is None and depth == 0:
        return
    if isinstance(value, list) and depth < DEEPEST:
        for each in value:
            if isinstance(each, dict) and each.get("resourceType") in ("Bundle", "OperationOutcome"):
                _open(each, opened, depth + 1, labels)
            else:
                _add(each, _BARE, labels, opened)
        return
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str) or depth >= DEEPEST:
        opened.whys.append(NO_FHIR)
    elif value["resourceType"] == "Bundle":
        _open_bundle(value, opened, depth, labels)
    elif value["resourceType"] == "OperationOutcome":
        why = _outcome(value, alone=True)
        if why:
            opened.whys.append(why)
    else:
        _add(value, _BARE, labels, opened)


def _add(resource: Any, entry: Mapping[str, Any], labels: frozenset[str], opened: Opened) -> None:
    opened.entries.append((resource, entry, labels))
    if isinstance(resource, dict) and resource.get("resourceType") == _PATIENT:
        opened.patients.append((resource, entry, labels))


def _open_bundle(bundle: Resource, opened: Opened, depth: int, around: frozenset[str]) -> None:
    labels = around | labels_of(bundle) if "meta" in bundle else around
    if labels:
        opened.labels |= labels
        if labels & WITHHELD_LABELS:
            opened.whys.append(REDACTED)
            return
    for link in objects(bundle["link"]) if "link" in bundle else ():
        relation = word(link.get("relation"))
        if relation == "next":
            opened.more = True
        elif relation == "self" and _sorted_otherwise(link.get("url")):
            opened.sorted_otherwise = True
    listed = bundle.get("entry")
    if listed is None:
        listed = []
    elif isinstance(listed, dict):
        listed = [listed]
    elif not isinstance(listed, list):
        opened.whys.append(NO_FHIR)
        return
    if _states_more(bundle.get("total"), len(listed)):
        opened.more = True  # a client may strip the links of a page, but not its total
    found = opened.entries
    for each in listed:
        resource = each.get("resource") if isinstance(each, dict) else None
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind in _NO_ROWS:
            _open_entry(each, labels, opened, depth)
        else:
            found.append((resource, each, labels))


def _open_entry(entry: Any, labels: frozenset[str], opened: Opened, depth: int) -> None:
    """Open an entry that may be more, or less, than a resource that becomes a row."""
    if not isinstance(entry, dict):
        _add(None, _BARE, labels, opened)
        return
    resource = entry.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if isinstance(resource, dict) and kind == "OperationOutcome":
        why = _outcome(resource, alone=False)
        if why:
            opened.whys.append(why)
        return
    if kind == "Bundle":
        _open(resource, opened, depth + 1, labels)
        return
    if resource is None:
        answer = inside(entry, "response", "status")
        if isinstance(answer, str) and answer[:1] in ("4", "5"):
            opened.whys.append(ERROR)
            return
    _add(resource, entry, labels, opened)


def _states_more(total: Any, listed: int) -> bool:
    """Whether a Bundle says that it has more entries than it lists; a total that cannot be read may say so."""
    if type(total) is int:
        return total > listed
    if total is None or isinstance(total, bool):
        return total is not None
    try:
        return float(total) > listed
    except (TypeError, ValueError):
        return True


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
