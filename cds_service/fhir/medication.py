"""Which drug a medication resource is about, and the rows of medication-use."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cds_service.core.dates import Span
from cds_service.core.facts import UNREADABLE_CONCEPT, Concept, Row
from cds_service.fhir.scope import Record, Scope
from cds_service.fhir.shapes import Resource, codes, flag, inside, objects
from cds_service.fhir.when import last_change, span

USE = "medication-use"
MOST_INGREDIENTS = 50  # looked at for one drug, ingredients of ingredients included


def drug(coded: Any, reference: Any, owner: Resource, scope: Scope) -> Concept:
    """Give the drug: the concept, else what the reference leads to, else the reference's display as words.

    Unreadable when there is neither code nor words, when a reference leads nowhere, and when every code is of a
    system that no value set lists: a local number alone tells nothing about the drug.
    """
    concept = known(scope.concept(coded), scope) if coded is not None else UNREADABLE_CONCEPT
    if concept.readable or reference is None:
        return concept
    medication = scope.resolve(reference, owner)
    if medication is not None:
        concept = known(scope.concept(*_substances(medication, owner, scope)), scope)
        if concept.readable:
            return concept
    display = inside(reference, "display")
    return known(scope.concept(display), scope) if isinstance(display, str) else UNREADABLE_CONCEPT


def wanted_drug(coded: Any, reference: Any, owner: Resource, scope: Scope) -> Concept | None:
    """Count a row of medication-use and give its drug; None when no rule could use the row."""
    told = coded
    if coded is None and reference is not None:
        medication = scope.resolve(reference, owner)
        told = None if medication is None else medication.get("code")
    if told is not None and scope.can_spare(USE, (told,), any_code_tells=False):
        return None
    concept = drug(coded, reference, owner, scope)
    return concept if scope.take(USE, concept) else None


def known(concept: Concept, scope: Scope) -> Concept:
    """Give the drug's concept, or the unreadable one when nothing in it could be in a value set."""
    if concept.texts or any(coding.system in scope.table.systems for coding in concept.codings):
        return concept
    return UNREADABLE_CONCEPT


def _substances(medication: Resource, owner: Resource, scope: Scope) -> Iterator[Any]:
    """Give the code of a Medication, or of all its active ingredients when the code says nothing.

    One budget for all levels: a Medication that contains itself fifty times over must cost no more than a plain one.
    """
    waiting, budget = [medication], MOST_INGREDIENTS
    while waiting:
        medication = waiting.pop()
        code = medication.get("code")
        if known(scope.concept(code), scope).readable:
            yield code
            continue
        for ingredient in objects(medication.get("ingredient")):
            if ingredient.get("isActive") is False:
                continue
            budget -= 1
            if budget < 0:
                return
            yield ingredient.get("itemCodeableConcept")
            reference = ingredient.get("itemReference")
            target = scope.resolve(reference, medication) or scope.resolve(reference, owner)
            if target is not None:
                waiting.append(target)
            else:
                yield inside(reference, "display")


def use_row(
    record: Record,
    scope: Scope,
    concept: Concept,
    status: str | None,
    *,
    start: Span | None,
    end: Span | None,
    reasons: tuple[Any, ...] = (),
    notes: tuple[str, ...] = (),
    listed: Any = None,
    ended_by: Resource | None = None,
) -> Row:
    """Build the row of medication-use, with an end that its status allows.

    `given` without an end ends where it starts. A stopped use cannot end after today: such an end was the plan, not
    the end, and is left out. A row of `past` or `stopped` without an end was over by the record's own last change,
    because a record cannot take on that status after it last changed. listed: the date on which the record says that
    its status was so. ended_by: the record whose change ended the use, if it is not this one (the stay of an inpatient
    order).
    """
    resource, name, labels = record
    over_by = listed_on = None
    if status == "given" and end is None:
        end = start
    if status == "stopped" and end is not None and end.readable and end.last > scope.today:
        end = None if end.first > scope.today else replace(end, last=scope.today)
    if status in ("past", "stopped") and end is None:
        changed = last_change(resource if ended_by is None else ended_by)
        over_by = None if changed is None else min(changed, scope.today)
    if status in ("taking", "paused") and end is None:
        day = span(listed)
        listed_on = day.first if day is not None and day.readable and day.first <= scope.today else None
    return Row(
        fact=USE,
        reference=name,
        concept=concept,
        name=concept.texts[0] if concept.texts else "",
        status=status,
        categories=codes(resource.get("category")),
        reasons=scope.reasons(resource, reasons, resource.get("reasonReference")),
        start=start,
        end=end,
        over_by=over_by,
        listed_on=listed_on,
        notes=notes,
        labels=labels,
    )


def forbidden(resource: Resource) -> bool | None:
    """Read doNotPerform; None when it is there but unreadable."""
    return flag(resource.get("doNotPerform"))
