"""Reads the list of one key: its first page, unless that came with the call, and the pages that follow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cds_service.edges.fhir_client.servers import own_url
from cds_service.edges.outbound import Fetched, Unfetched
from cds_service.fhir import r4
from cds_service.fhir.lacking import BUNDLE, joined, may_stand_for, next_link, query
from cds_service.fhir.shapes import Resource
from cds_service.fhir.version import Version

MOST_PAGES = 20  # of a key, one that came with the call among them
MOST_BYTES = 4_000_000  # of a key, all its pages together

Get = Callable[[str, int], Fetched]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a server for a key. url: where to begin, "" for nowhere. page: the first, if it was sent."""

    key: str
    base: str
    url: str
    page: Resource | None = None


def asked_for(key: str, base: str, patient_id: str, page: Resource | None, version: Version = r4) -> Asked:
    """Give what to ask a server of `version`: for the list from its start, or for what follows the page sent."""
    if page is not None:
        return Asked(key, base, own_url(base, f"{base}/", next_link(page)), page)
    searched = query(key, patient_id, version)
    return Asked(key, base, f"{base}/{searched}" if searched else "")


def follow(
    asked: Asked, get: Get, put: Callable[[Any], None], heard: Callable[[], None], over: Callable[[], bool]
) -> str:
    """Fetch page after page, hand `put` what is there after each, and say how it ended: "whole", "cut", or the fault.

    get: gives what is at a URL, of at most so many bytes. heard: called when the server answered. A list that was cut,
    by a fault, a cap or a link that leads elsewhere, keeps its link to the next page: the reader counts it as cut.
    """
    pages: list[Resource] = [] if asked.page is None else [asked.page]
    url, left, seen = asked.url, MOST_BYTES, set()
    while url and url not in seen and len(pages) < MOST_PAGES and not over():
        seen.add(url)
        try:
            fetched = get(url, left)
        except Unfetched as fault:
            if _answered(fault):
                heard()
            return "cut" if pages else fault.kind
        heard()
        value, left = fetched.value, left - fetched.size
        if not may_stand_for(asked.key, value) or (pages and not _is_bundle(value)):
            return "cut" if pages else "not-fhir"
        assert isinstance(value, dict)
        pages.append(value)
        put(joined(pages))
        link = next_link(value)
        if link is None:
            return "whole"
        url = own_url(asked.base, url, link)
    return "cut" if pages else "url"


def _answered(fault: Unfetched) -> bool:
    """Whether the server is there and does its work, though this was not to be had from it."""
    if fault.kind == "status":
        return fault.status < 500 and fault.status != 429
    return fault.kind in ("redirect", "encoding", "too-large", "not-json")


def _is_bundle(value: object) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == BUNDLE
