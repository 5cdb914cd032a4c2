"""Medication resources of FHIR R4 as rows of medication-use.

docs/reference/rule-language.md, section 2, gives the status words; docs/reference/fhir-reading.md the paths.
Source: https://hl7.org/fhir/R4/medicationrequest.html and the pages of the other three beside it
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cds_service.core.dates import Span
from cds_service.core.facts import Concept, Row
from cds_service.fhir.medication import drug, forbidden, use_row, wanted_drug
from cds_service.fhir.scope import Record, Scope
from cds_service.fhir.shapes import Resource, codes, inside, tail, word
from cds_service.fhir.when import Days, after, bounds, duration, moment, number_in, period, span

REQUEST = {
    "active": "taking", "on-hold": "paused", "completed": "past", "stopped": "stopped", "draft": "planned",
    "cancelled": "not-taken",
}  # fmt: skip
STATEMENT = {
    "active": "taking", "on-hold": "paused", "completed": "past", "stopped": "stopped", "intended": "planned",
    "not-taken": "not-taken",
}  # fmt: skip
DISPENSE = {
    "in-progress": "given", "completed": "given", "on-hold": "paused", "stopped": "stopped", "preparation": "planned",
    "cancelled": "not-taken", "declined": "not-taken",
}  # fmt: skip
ADMINISTRATION = {
    "in-progress": "taking", "completed": "given", "on-hold": "paused", "stopped": "stopped", "not-done": "not-taken",
}  # fmt: skip
MOST_REPEATS = 1000
STAY_OVER = "inpatient order of a stay that has ended: read as past"
STAY_UNKNOWN = "inpatient order; whether its stay has ended was not read"
# Words of any version: no two mean different things by one of them.
_OPEN_STAYS = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave", "on-hold"})
_ENDED_STAYS = frozenset({"finished", "completed", "discharged", "discontinued"})


def order_drug(resource: Resource, scope: Scope) -> Concept:
    """Give the drug of any medication resource of R4."""
    return drug(resource.get("medicationCodeableConcept"), resource.get("medicationReference"), resource, scope)


def _wanted(resource: Resource, scope: Scope) -> Concept | None:
    return wanted_drug(resource.get("medicationCodeableConcept"), resource.get("medicationReference"), resource, scope)


def medication_request(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a MedicationRequest; `reported[x]` makes no difference, for US Core lists home medication that way."""
    resource = record[0]
    concept = _wanted(resource, scope)
    if concept is None:
        return ()
    start, end = request_days(resource)
    status = request_status(resource)
    stay: Resource | None = None
    notes: tuple[str, ...] = ()
    if status in ("taking", "paused") and "inpatient" in codes(resource.get("category")):
        stay = scope.resolve(resource.get("encounter"), resource)
        over = _stay_is_over(stay, resource, scope)
        if over is None:
            status, notes = None, (STAY_UNKNOWN,)
        elif over:
            status, end, notes = "past", _stay_end(stay), (STAY_OVER,)
    reasons = (resource.get("reasonCode"), resource.get("statusReason"))
    ended_by = stay if status == "past" else None
    return (
        use_row(record, scope, concept, status, start=start, end=end, reasons=reasons, notes=notes, ended_by=ended_by),
    )


def request_status(resource: Resource) -> str | None:
    """Give the status word of a MedicationRequest from doNotPerform, intent and status."""
    forbids = forbidden(resource)
    if forbids:
        return "do-not-perform"
    status = REQUEST.get(word(resource.get("status")))
    if status == "not-taken":
        return status
    if word(resource.get("intent")) in ("proposal", "option"):
        return "planned"
    return None if forbids is None else status


def request_days(resource: Resource) -> Days:
    """Give start and end: the dosages' bounds, else authoredOn and the supply with its repeats."""
    start, end = bounds(resource.get("dosageInstruction"))
    if start is None:
        start = span(resource.get("authoredOn"))
    if end is None:
        end = _supplied(start, resource.get("dispenseRequest"))
    return start, end


def _supplied(start: Span | None, dispense: Any) -> Span | None:
    """Give the day the supply runs out: expectedSupplyDuration, once and for each repeat.

    None when no duration is stated: quantity and dosage are not turned into days by guessing.
    """
    stated = inside(dispense, "expectedSupplyDuration")
    if stated is None:
        return None
    repeats = inside(dispense, "numberOfRepeatsAllowed")
    times = 0.0 if repeats is None else number_in(repeats)
    if times is None or not 0 <= times <= MOST_REPEATS:
        return after(start, None)
    return after(start, duration(stated), 1 + int(times))


def _stay_is_over(stay: Resource | None, order: Resource, scope: Scope) -> bool | None:
    """Say whether the stay of an inpatient order has ended; None when it could not be told.

    An order that names no stay, or the one of this call, is as open as it says.
    """
    if stay is None:
        written = inside(order, "encounter", "reference")
        named = isinstance(written, str) and bool(written.strip())
        this_stay = named and bool(scope.stay) and tail(written) == f"Encounter/{scope.stay}"
        return None if named and not this_stay and not scope.stays_whole else False
    end, status = _stay_end(stay), word(stay.get("status"))
    if status in _ENDED_STAYS or (end is not None and end.last < scope.today):
        return True
    if end is not None and end.first < scope.today and status not in _OPEN_STAYS:
        return None
    return False


def _stay_end(stay: Resource | None) -> Span | None:
    return period(inside(stay, "period"))[1]


def medication_statement(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a MedicationStatement."""
    resource = record[0]
    concept = _wanted(resource, scope)
    if concept is None:
        return ()
    start, end = statement_days(resource)
    status = STATEMENT.get(word(resource.get("status")))
    reasons = (resource.get("reasonCode"), resource.get("statusReason"))
    listed = resource.get("dateAsserted")
    return (use_row(record, scope, concept, status, start=start, end=end, reasons=reasons, listed=listed),)


def statement_days(resource: Resource) -> Days:
    """Give start and end: effective[x], else the dosages' bounds."""
    start, end = moment(resource, "effective")
    first, last = bounds(resource.get("dosage"))
    return start or first, end or last


def medication_dispense(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a MedicationDispense: it was given from the day it was handed over until its supply runs out."""
    resource = record[0]
    concept = _wanted(resource, scope)
    if concept is None:
        return ()
    start, end = dispense_days(resource)
    status = DISPENSE.get(word(resource.get("status")))
    reasons = (resource.get("statusReasonCodeableConcept"), resource.get("statusReason"))
    return (use_row(record, scope, concept, status, start=start, end=end, reasons=reasons),)


def dispense_days(resource: Resource) -> Days:
    """Give start and end: handed over, else prepared, else the dosages' bounds; then the days' supply.

    A daysSupply without a unit is days, as its name says.
    """
    first, end = bounds(resource.get("dosageInstruction"))
    start = span(resource.get("whenHandedOver")) or span(resource.get("whenPrepared")) or first
    supply = resource.get("daysSupply")
    if end is None and supply is not None:
        end = after(start, duration(supply, unit="days"))
    return start, end


def medication_administration(record: Record, scope: Scope) -> Iterable[Row]:
    """Read a MedicationAdministration."""
    resource = record[0]
    concept = _wanted(resource, scope)
    if concept is None:
        return ()
    start, end = moment(resource, "effective")
    status = ADMINISTRATION.get(word(resource.get("status")))
    reasons = (resource.get("reasonCode"), resource.get("statusReason"))
    row = use_row(record, scope, concept, status, start=start, end=end, reasons=reasons)
    if not row.categories:  # where a dose was given its encounter tells
        row = replace(row, categories=_class_of(scope.resolve(resource.get("context"), resource)))
    return (row,)


def _class_of(stay: Resource | None) -> tuple[str, ...]:
    """Give the class codes of an Encounter, lower case; none without one."""
    written = None if stay is None else stay.get("class")
    return codes([written] if isinstance(written, dict) else written)
