"""Read a hook call's context and prefetch into a Chart: the rows rules could use, and what was not read.

docs/reference/fhir-reading.md says what is read from where and what makes a list not read. Nothing here raises for
the content of a resource; only a Patient that cannot be told is the caller's fault.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from cds_service.core.facts import ORDER_HOOKS, Chart, Gap, Needs, Row
from cds_service.core.restricted import CAREFUL, Part2
from cds_service.core.value_set import Table
from cds_service.fhir import r4
from cds_service.fhir.bundle import ERROR, NO_FHIR, NOT_SENT, full_url
from cds_service.fhir.collect import PARTLY_READ, Collected, collect, keys_of_kind
from cds_service.fhir.labels import labels_of
from cds_service.fhir.medication import USE
from cds_service.fhir.orders import DRAFT_ORDER, SOURCE, Drafts, draft_rows, open_drafts
from cds_service.fhir.patient import identify, patient_row
from cds_service.fhir.prefetch import ALWAYS_HELD, ENCOUNTERS, PREFETCH
from cds_service.fhir.scope import Memo, Scope
from cds_service.fhir.shapes import inside, tail
from cds_service.fhir.version import Version

THIS_ENCOUNTER = "this-encounter"
# An order may be in force from a day to come; what is only planned has not begun.
_MAY_LIE_AHEAD = ("taking", "paused", "planned", "draft", "preparation")
STAY_NOT_FOUND = "the encounter of this call is not in it"
IS_A_DRAFT = "same id as a draft order"
# Lists of which nothing came. Any other reason is told as "partly read" to a client that may not read labelled records:
# were that said of lists with such records alone, it would tell of them.
_NOTHING_CAME = (NOT_SENT, ERROR, NO_FHIR, STAY_NOT_FOUND)


def read_chart(
    *,
    hook: str,
    context: Any,
    prefetch: Any,
    needs: Needs,
    table: Table,
    today: date,
    not_held: Iterable[str] = frozenset(),
    version: Version = r4,
    part2: Part2 = CAREFUL,
    not_fetched: Container[str] = (),
    memo: Memo | None = None,
) -> Chart:
    """Read one call into a Chart.

    context, prefetch: as sent. not_held: resource types that are no source at this site.
    version: the module of the FHIR version in which the client speaks. not_fetched: prefetch keys that a FHIR server
    was asked for in vain.
    part2: what may be done with labelled records. Rows of others lose their labels, which then mean nothing here.
    memo: what was looked up for other charts of the same release; else it ends with this chart, as a call wants it.
    Raises RequestProblem: 400 without context.patientId, 412 when the Patient was not sent, cannot be read or is
    another than the context names.
    """
    person = identify(context, prefetch)
    patient = patient_row(person, part2)
    spared = frozenset(not_held) - ALWAYS_HELD
    drafts = open_drafts(hook, context, person, version)
    collected = collect(prefetch, person, version, part2, not_fetched)
    for resource, entry, labels in drafts.others:
        if inside(resource, "resourceType") == "Medication":
            _lend(collected, resource, full_url(entry), labels | labels_of(resource))
            drafts.labels |= labels_of(resource)
    if part2.ignores and part2.restricts(drafts.labels):
        drafts.whys.append(PARTLY_READ)
    scope = Scope(
        table=table,
        needs=needs,
        today=today.toordinal(),
        birth=patient.birth_date,
        lookup=collected.lookup,
        stay=_stay(context),
        stays_whole=ENCOUNTERS not in collected.gaps or "Encounter" in spared,
        marks=collected.marks,
        dropped=collected.dropped,
        memo=memo if memo is not None else Memo(),
    )
    rows = _rows(collected, drafts, scope, version, part2)
    if hook in ORDER_HOOKS:
        rows[DRAFT_ORDER] = draft_rows(drafts, hook, context, _on_record(collected), scope, version, part2)
    for why in drafts.dropped:
        scope.drop(why)
    return Chart(
        hook=hook,
        patient=patient,
        rows={"Patient": (patient,), **{fact: tuple(found) for fact, found in rows.items() if found}},
        gaps=_gaps(collected, drafts, scope, spared, part2),
        counts={"Patient": 1, **scope.counts},
        not_held=spared,
        dropped=dict(scope.dropped),
    )


def _stay(context: Any) -> str:
    written = inside(context, "encounterId")
    if not isinstance(written, str):
        return "" if written is None else "?"
    return tail(written).removeprefix("Encounter/") or written.strip()


def _lend(collected: Collected, resource: dict[str, Any], url: str, labels: frozenset[str]) -> None:
    """Let references of draft orders find a resource that came beside them."""
    name = f"{resource['resourceType']}/{resource['id']}" if isinstance(resource.get("id"), str) else ""
    for each in filter(None, (name, url)):
        collected.lookup.setdefault(each, resource)
        collected.mark(each, labels)


def _on_record(collected: Collected) -> Mapping[str, dict[str, Any]]:
    return {reference: resource for resource, reference, _ in collected.records.values()}


def _rows(collected: Collected, drafts: Drafts, scope: Scope, version: Version, part2: Part2) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    names = drafts.names
    readers = version.READERS
    for record in collected.records.values():
        kind = record[0]["resourceType"]
        # What was on record before it was drafted anew stays history, whether the draft renews or stops it.
        if names and record[1] in names and version.FACT[kind] == USE and not version.can_be_renewed(record[0]):
            scope.drop(IS_A_DRAFT)
            continue
        scope.borrowed.clear()
        for row in readers[kind](record, scope):
            if row.labels or scope.borrowed:
                labels = part2.kept(row.labels | scope.borrowed)
                if labels and part2.ignores:  # it refers to a labelled resource
                    scope.counts[row.fact] -= 1
                    for key in keys_of_kind(kind, version):
                        collected.miss(key, PARTLY_READ)
                    continue
                row = replace(row, labels=labels)
            if row.start is not None and row.start.last > scope.today:
                row = _so_far(row, scope.today)
            rows.setdefault(row.fact, []).append(row)
    rows.pop("Patient", None)
    return rows


def _so_far(row: Row, today: int) -> Row:
    """Cut off the days of a partial start that lie ahead: what is on record as begun did not begin after today."""
    start = row.start
    if (
        start is None
        or not start.readable
        or start.first > today
        or row.status in _MAY_LIE_AHEAD
        or row.fact == "CarePlan"
    ):
        return row
    begun = replace(start, last=today)
    return replace(row, start=begun, end=begun if row.end is start else row.end)


def _gaps(
    collected: Collected, drafts: Drafts, scope: Scope, spared: frozenset[str], part2: Part2
) -> dict[str, tuple[Gap, ...]]:
    gaps: dict[str, tuple[Gap, ...]] = {}
    for key, found in collected.gaps.items():
        if key not in PREFETCH or PREFETCH[key].resource_type in spared:
            continue
        for fact in PREFETCH[key].facts:
            if fact not in (THIS_ENCOUNTER, "Patient"):
                gaps[fact] = gaps.get(fact, ()) + tuple(found)
    if scope.stay and not scope.counts.get(THIS_ENCOUNTER) and "Encounter" not in spared:
        gaps[THIS_ENCOUNTER] = tuple(collected.gaps.get(ENCOUNTERS, ())) or (Gap(ENCOUNTERS, STAY_NOT_FOUND),)
    if drafts.whys:
        gaps[DRAFT_ORDER] = tuple(Gap(SOURCE, why) for why in dict.fromkeys(drafts.whys))
    if part2.ignores:
        gaps = {fact: tuple(dict.fromkeys(map(_unrevealing, found))) for fact, found in gaps.items()}
    return gaps


def _unrevealing(gap: Gap) -> Gap:
    return gap if gap.why in _NOTHING_CAME else replace(gap, why=PARTLY_READ)
