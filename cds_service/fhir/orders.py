"""Draft orders of the order hooks as rows of draft-order.

Source: CDS Hooks library, order-select and order-sign (`selections`, `draftOrders`), https://cds-hooks.org/hooks/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.core.dates import Span
from cds_service.core.facts import ORDER_HOOKS, UNREADABLE_CONCEPT, Row
from cds_service.core.restricted import CAREFUL, Part2
from cds_service.fhir.bundle import FURTHER_PAGE, NOT_SENT, Entry, full_url, open_value
from cds_service.fhir.collect import PARTLY_READ
from cds_service.fhir.labels import NO_LABELS, labels_of
from cds_service.fhir.scope import Scope
from cds_service.fhir.shapes import Resource, codes, inside, objects, tail
from cds_service.fhir.spelling import respelled
from cds_service.fhir.subject import OTHER, SAME, Person, whose
from cds_service.fhir.version import Version

DRAFT_ORDER = "draft-order"
SOURCE = "draftOrders"
_ID = re.compile(r"[^\s/\\?#\x00-\x1f]+")  # longer and looser than FHIR's, as EHRs send; never a path
_LIKE = {"MedicationRequest": ("MedicationRequest", "MedicationStatement", "MedicationDispense")}


@dataclass(slots=True)
class Drafts:
    """The draft orders of a call.

    orders: this patient's, with their fullUrl and labels. unreadable: how many entries are no resource.
    others: resources beside the orders, such as Medications. whys: why orders may be missing.
    labels: of all its Bundles, also of empty ones.
    """

    orders: list[Entry] = field(default_factory=list)
    unreadable: int = 0
    others: list[Entry] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    labels: frozenset[str] = NO_LABELS

    @property
    def names(self) -> frozenset[str]:
        """`Type/id` of each: a chart entry of that name is the draft itself."""
        return frozenset(f"{order['resourceType']}/{order.get('id')}" for order, _, _ in self.orders)


def open_drafts(hook: str, context: Any, person: Person, version: Version) -> Drafts:
    """Collect the draft orders of the call; on hooks without orders there are none, and nothing is missing."""
    drafts = Drafts()
    if hook not in ORDER_HOOKS:
        return drafts
    bundle = inside(context, SOURCE)
    if bundle is None:
        drafts.whys.append(NOT_SENT)
        return drafts
    opened = open_value(bundle)
    drafts.whys += opened.whys
    drafts.labels = opened.labels
    if opened.more:
        drafts.whys.append(FURTHER_PAGE)
    for entry in respelled(opened.entries, version.SPELLING) if version.SPELLING else opened.entries:
        resource = entry[0]
        kind = inside(resource, "resourceType")
        if not isinstance(kind, str) or not kind:
            drafts.unreadable += 1
        elif kind in version.BESIDE:
            drafts.others.append(entry)
        elif kind not in version.DRAFTS:  # an order of a type that is not known could be any order
            drafts.unreadable += 1
        elif (owner := whose(resource, person)) == SAME:
            drafts.orders.append(entry)
        else:
            drafts.whys.append("orders of another patient" if owner == OTHER else "orders without a patient")
            drafts.dropped.append(owner)
    return drafts


def draft_rows(
    drafts: Drafts,
    hook: str,
    context: Any,
    chart: Mapping[str, Resource],
    scope: Scope,
    version: Version,
    part2: Part2 = CAREFUL,
) -> list[Row]:
    """Build a row for each draft order that some rule could use.

    chart: this patient's entries on record by `Type/id`, to tell a renewal from a new order.
    part2: with mode "ignore" a labelled draft, or one that renews a labelled order, is none; then orders are missing.
    """
    today = Span(scope.today, scope.today)
    chosen = _selections(hook, context)
    rows = []
    for at, entry in enumerate(drafts.orders, 1):
        resource, _, around = entry
        scope.borrowed.clear()
        concept, status = version.draft_concept(resource, scope), _status(entry, chosen, chart, scope, version)
        reasons = scope.reasons(resource, (resource.get("reasonCode"),), resource.get("reasonReference"))
        labels = part2.kept(around | labels_of(resource) | scope.borrowed)
        if labels and part2.ignores:
            drafts.whys.append(PARTLY_READ)
            continue
        if not scope.take(DRAFT_ORDER, concept):
            continue
        kind, own_id = resource["resourceType"], resource.get("id")
        named = isinstance(own_id, str) and bool(_ID.fullmatch(own_id))
        rows.append(
            Row(
                fact=DRAFT_ORDER,
                reference=f"{kind}/{own_id}" if named else f"{SOURCE}[{at}]",
                concept=concept,
                name=concept.texts[0] if concept.texts else "",
                status=status,
                categories=codes(resource.get("category")),
                reasons=reasons,
                start=today,
                end=today,
                labels=labels,
            )
        )
    for at in range(1, min(drafts.unreadable, 1) + 1):  # one says as much as many
        scope.take(DRAFT_ORDER, UNREADABLE_CONCEPT)
        rows.append(Row(DRAFT_ORDER, f"{SOURCE}[unreadable {at}]", UNREADABLE_CONCEPT, readable=False,
                        start=today, end=today))  # fmt: skip
    return rows


def _status(
    entry: Entry, chosen: frozenset[str] | bool | None, chart: Mapping[str, Resource], scope: Scope, version: Version
) -> str | None:
    resource = entry[0]
    if version.draft_is_stopped(resource):
        return "stopping"
    selected = _is_selected(entry, chosen) if isinstance(chosen, frozenset) else chosen
    if selected is None:
        return None
    if not selected:
        return "unselected"
    return "renewing" if _renews(resource, chart, scope, version) else "selected"


def _selections(hook: str, context: Any) -> frozenset[str] | bool | None:
    """Give the names that were selected: True for all of them at signing, None when they cannot be read."""
    if hook == "order-sign":
        return True
    listed = inside(context, "selections")
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        return None
    names = [each.strip() for each in listed]
    return frozenset((*names, *map(tail, names))) - {""}


def _is_selected(entry: Entry, chosen: frozenset[str]) -> bool | None:
    """Say whether a draft is among the chosen names; None when it has no name of its own."""
    resource, wrapper, _ = entry
    own_id, kind, url = resource.get("id"), resource["resourceType"], full_url(wrapper)
    named = isinstance(own_id, str) and bool(own_id)
    if not named and not url:
        return None if chosen else False
    own = {url, tail(url), *((own_id, f"{kind}/{own_id}") if named else ())}
    return not chosen.isdisjoint(own)


def _renews(draft: Resource, chart: Mapping[str, Resource], scope: Scope, version: Version) -> bool:
    """Whether the draft renews an order on record: it has its id, or names it as its predecessor or basis.

    What that order is labelled with, the draft is too.
    """
    kind = draft["resourceType"]
    like = _LIKE.get(kind, (kind,))
    names = [f"{kind}/{draft.get('id')}"]
    for element in version.DRAFTS[kind]:
        for reference in objects(draft.get(element)):
            written = reference.get("reference")
            if isinstance(written, str):
                names.append(tail(written))
    names = [name for name in names if name.split("/", 1)[0] in like]
    scope.borrow(*names)
    entries = (chart.get(name) for name in names)
    return any(entry is not None and version.can_be_renewed(entry) for entry in entries)
