"""What a call still lacks of its prefetch, what to ask a FHIR server for it, and how pages make one list.

Source: https://hl7.org/fhir/R4/http.html#paging
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from cds_service.fhir import r4
from cds_service.fhir.bundle import ERROR, NO_FHIR, open_value
from cds_service.fhir.prefetch import PATIENT, PREFETCH
from cds_service.fhir.shapes import Resource, objects, word
from cds_service.fhir.version import Version

BUNDLE, OUTCOME = "Bundle", "OperationOutcome"
SEARCHSET = "searchset"
MOST_ID = 1000  # characters; EHRs have ids far beyond the 64 of FHIR


@dataclass(frozen=True, slots=True)
class Filled:
    """What a FHIR server added to a call.

    values:  by prefetch key, to take the place of what was sent.
    failed:  keys of which nothing could be had, though the server was the one to ask.
    version: the FHIR version that the server states, as in fhir.versions; "" when it is not known.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    version: str = ""


def lacking(prefetch: Mapping[str, Any], keys: Collection[str]) -> dict[str, Resource | None]:
    """Give the keys that were not read whole: to the first page where there is one with a link to the next, else None.

    A key that was not sent, or that holds an error or what is no FHIR, is to be read from the start. A list that its
    source withholds is not asked for again.
    """
    found: dict[str, Resource | None] = {}
    for key in keys:
        if key not in prefetch:
            found[key] = None
            continue
        value = prefetch[key]
        if next_link(value) is not None:
            found[key] = value
        elif value is not None and not _begins_with_a_row(value):
            opened = open_value(value)
            if not opened.entries and opened.whys and set(opened.whys) <= {ERROR, NO_FHIR}:
                found[key] = None
    return found


def _begins_with_a_row(value: Any) -> bool:
    """Whether a list is plainly one; only others are opened, because every call with a server comes through here."""
    try:
        return value["entry"][0]["resource"]["resourceType"] not in (BUNDLE, OUTCOME)
    except (KeyError, IndexError, TypeError):
        return False


def query(key: str, patient_id: str, version: Version = r4) -> str:
    """Give what a server of `version` is asked for a key, after its base URL; "" for an id that leads elsewhere."""
    if not patient_id.strip(".") or len(patient_id) > MOST_ID:
        return ""
    return version.QUERIES.get(key, PREFETCH[key].query).replace("{{context.patientId}}", quote(patient_id, safe=""))


def may_stand_for(key: str, value: object) -> bool:
    """Whether what a server sent can be the answer for a key: nothing else may read as "none on record"."""
    if not isinstance(value, dict):
        return False
    if value.get("resourceType") == BUNDLE:  # a history or the answer to a batch is not what was searched for
        return key != PATIENT and value.get("type", SEARCHSET) == SEARCHSET
    return value.get("resourceType") in (OUTCOME, *(["Patient"] if key == PATIENT else []))


def next_link(value: object) -> str | None:
    """Give the URL of the next page, "" when it cannot be read; None when the value is no page that has one."""
    if not isinstance(value, dict) or value.get("resourceType") != BUNDLE or "link" not in value:
        return None
    for link in objects(value["link"]):
        if word(link.get("relation")) == "next":
            url = link.get("url")
            return url if isinstance(url, str) else ""
    return None


def joined(pages: Sequence[Resource]) -> Any:
    """Give the pages of one list as one prefetch value.

    Each page stays a Bundle of its own, with its own labels. A next link stands only in the last, if that has one: then
    the list was cut. Its total is what the pages before it leave, so that rows that never came are missed.
    """
    *before, last = pages
    if not before:
        return last
    kept = [{name: part for name, part in page.items() if name not in ("link", "total")} for page in before]
    for page, whole in zip(kept, before, strict=True):
        links = [link for link in objects(whole.get("link")) if word(link.get("relation")) != "next"]
        if links:
            page["link"] = links
    total = last.get("total", before[0].get("total"))
    if isinstance(total, int) and not isinstance(total, bool):
        total -= sum(len(page["entry"]) for page in before if isinstance(page.get("entry"), list))
    return [*kept, last if total is None else {**last, "total": total}]
