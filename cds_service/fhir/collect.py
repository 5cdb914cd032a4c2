"""Go through every prefetch value once: whose rows are these, which come twice, and which lists were not read whole."""

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.core.facts import Gap
from cds_service.core.restricted import CAREFUL, Part2
from cds_service.fhir.bundle import (
    FURTHER_PAGE,
    NOT_FETCHED,
    NOT_SENT,
    REDACTED,
    WITHHELD_LABELS,
    Entry,
    Opened,
    full_url,
    is_match,
    open_value,
)
from cds_service.fhir.labels import NO_LABELS, labels_of
from cds_service.fhir.prefetch import PATIENT, PREFETCH, keys_of
from cds_service.fhir.scope import Record
from cds_service.fhir.shapes import Resource, inside
from cds_service.fhir.spelling import respelled
from cds_service.fhir.subject import OTHER, SAME, Person, whose
from cds_service.fhir.version import Version
from cds_service.fhir.when import span

OTHERS_ROWS = "another patient's rows"
NOBODYS_ROWS = "rows without a patient"
NONE_OF_TYPE = "holds none of its resource type"
IN_ERROR = "entered in error"
TWICE = "sent twice"
PARTLY_READ = "partly read"  # says no more, so that nothing tells what was left out
NOT_A_RESOURCE = "entries without a resource"
REFERRED_TO = frozenset({"Condition", "Encounter"})  # and Medication: what rows look up by reference


@dataclass(slots=True)
class Collected:
    """What was sent, sorted.

    records:    this patient's resources of a type that is read, each once, by `Type/id`, else by their content.
    lookup:     resources that references may lead to, by fullUrl and `Type/id`.
    gaps:       what was not read, by prefetch key. dropped: what was left out, by reason.
    marks:      labels of resources that have any, by the names they are referred to by.
    unwanted:   records that a client may not have read, as `records` would name them, with the keys of their lists.
    """

    records: dict[str, Record] = field(default_factory=dict)
    lookup: dict[str, Resource] = field(default_factory=dict)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    marks: dict[str, frozenset[str]] = field(default_factory=dict)
    unwanted: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def miss(self, key: str, why: str, before: int | None = None) -> None:
        """Note that rows may be missing from the list of a key."""
        gap = Gap(key, why, before)
        if gap not in self.gaps.setdefault(key, []):
            self.gaps[key].append(gap)

    def drop(self, why: str) -> None:
        """Count a resource that is left out."""
        self.dropped[why] = self.dropped.get(why, 0) + 1

    def mark(self, name: str, labels: frozenset[str]) -> None:
        """Note the labels of what is referred to by a name; of a resource that came twice the highest mark counts."""
        if name and labels:
            self.marks[name] = self.marks.get(name, NO_LABELS) | labels


def collect(
    prefetch: Mapping[Any, Any],
    person: Person,
    version: Version,
    part2: Part2 = CAREFUL,
    not_fetched: Container[str] = (),
) -> Collected:
    """Open every value, known key or not: a resource under an unexpected key is still what it says it is.

    part2: with mode "ignore" labelled resources are no records, whatever is in them, and their lists are partly read.
    not_fetched: keys that were looked for at a FHIR server in vain.
    """
    collected = Collected()
    opened = {key: open_value(value) for key, value in prefetch.items() if isinstance(key, str) and value is not None}
    if version.SPELLING:
        for each in opened.values():
            each.entries = respelled(each.entries, version.SPELLING)
    for each in opened.values():
        if each.patients:
            _meet_patient(each, person)
    for key in PREFETCH:
        if key not in prefetch and key != PATIENT:
            collected.miss(key, NOT_FETCHED if key in not_fetched else NOT_SENT)
    for key, each in opened.items():
        _take_list(key, each, person, version, part2, collected)
    for name, keys in collected.unwanted.items():
        if collected.records.pop(name, None) is not None:  # it came elsewhere without its label
            for key in keys:
                collected.miss(key, PARTLY_READ)
    return collected


def _meet_patient(opened: Opened, person: Person) -> None:
    """Learn the `urn:uuid` or URL under which a Bundle holds this patient."""
    for resource, entry, _ in opened.patients:
        if full_url(entry) and resource.get("id") == person.id:
            person.known_as(full_url(entry))


def _take_list(key: str, opened: Opened, person: Person, version: Version, part2: Part2, collected: Collected) -> None:
    if part2.ignores and part2.restricts(opened.labels):
        collected.miss(key, PARTLY_READ)
    if not opened.entries and not opened.whys and not opened.more:
        return
    for why in opened.whys:
        collected.miss(key, why)
    for at, entry in enumerate(opened.entries, 1):
        _take(key, at, entry, person, version, part2, collected)
    if key not in PREFETCH or key == PATIENT:
        return
    asked_for = PREFETCH[key].resource_type
    wanted = version.TYPES.get(asked_for, (asked_for,))
    if opened.more:
        any_day = opened.sorted_otherwise or Gap(key, PARTLY_READ) in collected.gaps.get(key, ())
        collected.miss(key, FURTHER_PAGE, None if any_day else _whole_from(opened, wanted, version))
    if opened.entries and _none_of(wanted, opened.entries):
        collected.miss(key, NONE_OF_TYPE)


def _none_of(wanted: tuple[str, ...], entries: list[Entry]) -> bool:
    """Whether there are matches, each is a resource, and none is of a type wanted."""
    kinds = set()
    for resource, entry, _ in entries:
        if is_match(entry):
            kind = inside(resource, "resourceType")
            if not isinstance(kind, str) or not kind or kind in wanted:
                return False
            kinds.add(kind)
    return bool(kinds)


def _take(
    key: str, at: int, entry: Entry, person: Person, version: Version, part2: Part2, collected: Collected
) -> None:
    """Sort one entry in. Every resource of every call comes through here: what is usual is looked at first."""
    resource, holder, labels = entry
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not kind:
        collected.miss(key, NOT_A_RESOURCE)
        collected.drop(NOT_A_RESOURCE)
        return
    own_id = resource.get("id")
    named = isinstance(own_id, str) and own_id != ""
    if "meta" in resource or "contained" in resource:
        labels = labels | labels_of(resource)
    if kind not in version.READERS:
        if kind == "Medication":
            _remember(resource, (f"Medication/{own_id}" if named else "", full_url(holder)), labels, collected)
            if part2.ignores and part2.restricts(labels):
                collected.miss(key, PARTLY_READ)
        return
    if labels and part2.ignores and part2.restricts(labels):
        _leave_out(key, entry, labels, version, collected)
        return
    try:  # nearly every resource says it in this way
        owner = SAME if resource["subject"]["reference"] in person.same and "patient" not in resource else None
    except (KeyError, TypeError):
        owner = None
    if owner is None:
        owner = whose(resource, person)
    if owner != SAME:
        collected.drop(owner)
        collected.miss(key, OTHERS_ROWS if owner == OTHER else NOBODYS_ROWS)
    elif labels and labels & WITHHELD_LABELS:
        collected.drop(REDACTED)
        collected.miss(key, REDACTED)
    elif version.entered_in_error(resource):
        collected.drop(IN_ERROR)
    else:
        reference = f"{kind}/{own_id}" if named else f"{key}[{at}]"
        same = reference if named else f"{kind} {_content(resource)}"
        known = collected.records.get(same)
        if known is None:
            collected.records[same] = (resource, reference, labels)
        else:
            collected.drop(TWICE)
            stands, name, others = known
            if _is_newer(resource, stands):
                stands, name = resource, reference
            collected.records[same] = (stands, name, labels | others)
        if kind in REFERRED_TO:
            _remember(resource, (reference if named else "", full_url(holder)), labels, collected)
        elif labels and named:
            collected.mark(reference, labels)


def _leave_out(key: str, entry: Entry, labels: frozenset[str], version: Version, collected: Collected) -> None:
    """Leave out a labelled resource, and any other copy of it; what refers to it still finds it, and its labels."""
    resource, holder, _ = entry
    kind, own_id = resource["resourceType"], resource.get("id")
    name = f"{kind}/{own_id}" if isinstance(own_id, str) and own_id else ""
    keys = keys_of_kind(kind, version)
    collected.unwanted[name or f"{kind} {_content(resource)}"] = keys
    for each in (key,) if key in keys else keys:
        collected.miss(each, PARTLY_READ)
    if kind in REFERRED_TO:
        _remember(resource, (name, full_url(holder)), labels, collected)
    else:
        collected.mark(name, labels)


def keys_of_kind(kind: str, version: Version) -> tuple[str, ...]:
    """Give the prefetch keys whose lists hold resources of a type, as a version of FHIR names it."""
    return keys_of(next((r4 for r4, theirs in version.TYPES.items() if kind in theirs), kind))


def _remember(resource: Resource, names: tuple[str, str], labels: frozenset[str], collected: Collected) -> None:
    lookup = collected.lookup
    for each in names:
        if each and (each not in lookup or _is_newer(resource, lookup[each])):
            lookup[each] = resource
        if labels:
            collected.mark(each, labels)


def _content(resource: Resource) -> str:
    try:
        return json.dumps(resource, sort_keys=True, default=str)
    except (ValueError, RecursionError, TypeError):
        return f"unlike any other {id(resource)}"


def _is_newer(one: Resource, other: Resource) -> bool:
    mine, theirs = (span(inside(each, "meta", "lastUpdated")) for each in (one, other))
    if mine is None or theirs is None or mine.instant is None or theirs.instant is None:
        return False
    return mine.instant > theirs.instant


def _whole_from(opened: Opened, wanted: tuple[str, ...], version: Version) -> int | None:
    """Give the first day from which a page sorted newest first is whole: the day after its oldest start.

    Rows of that oldest day itself may go on on the next page. None when the page is not seen to be sorted: two
    different days at least, each exact, none later than the one above it.
    """
    days: list[int] = []
    for start in _starts(opened, wanted, version):
        if start is None or (days and start > days[-1]):
            return None
        days.append(start)
    return days[-1] + 1 if days and days[0] > days[-1] else None


def _starts(opened: Opened, wanted: tuple[str, ...], version: Version) -> Iterator[int | None]:
    for resource, entry, _ in opened.entries:
        kind = inside(resource, "resourceType")
        if kind in wanted:
            start = version.START[kind](resource)
            yield start.first if start is not None and start.readable and start.exact else None
        elif is_match(entry):
            yield None
