"""One person's whole record as a call: for explanations, comparisons and simulations, where nobody prefetches.

Everything that is known of the person is there, so no list counts as not read.
"""

from collections.abc import Iterable
from typing import Any

from cds_service.core.facts import ORDER_HOOKS
from cds_service.fhir.bundle import open_value
from cds_service.fhir.prefetch import PATIENT, PREFETCH
from cds_service.fhir.shapes import Resource, inside

DISCHARGE = "encounter-discharge"
# Where what has no list of its own goes: a Medication that an order refers to, and the types of other FHIR versions.
_OTHERS = "others"
_LIST_OF = {each.resource_type: key for key, each in reversed(tuple(PREFETCH.items())) if key != PATIENT}
_DRAFTS = frozenset({"MedicationRequest", "ServiceRequest", "ProcedureRequest", "CommunicationRequest"})


class RecordProblem(ValueError):
    """A record of which no call can be made; the text says what was found and what is wanted."""


def resources_of(bundle: Any) -> list[Resource]:
    """Give the resources of a Bundle, also of Bundles in it, or a single resource.

    Raises RecordProblem for what is no FHIR, and for a Bundle that is not whole: what it lacks must not read as none.
    """
    kind = inside(bundle, "resourceType")
    if not isinstance(kind, str):
        raise RecordProblem("wanted a FHIR Bundle: a JSON object with resourceType")
    if kind != "Bundle":
        return [bundle]
    opened = open_value(bundle)
    if opened.more:
        raise RecordProblem("the Bundle has a link to a further page; wanted a whole record, else rows would be missed")
    if opened.whys:
        raise RecordProblem(f"the Bundle is not whole: {', '.join(dict.fromkeys(opened.whys))}")
    found: list[Resource] = []
    waiting = [bundle]
    while waiting:
        entries = inside(waiting.pop(), "entry") or []
        for entry in entries if isinstance(entries, list) else []:
            resource = inside(entry, "resource")
            if inside(resource, "resourceType") == "Bundle":
                waiting.append(resource)
            elif isinstance(resource, dict):
                found.append(resource)
    return found


def as_call(resources: Iterable[Resource], hook: str, encounter: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Give context and prefetch of a call of `hook` about the one person whose record this is.

    encounter: id of the stay that the call is about; "" takes the one that began last.
    At an order hook, requests whose status is draft are the drafts. Raises RecordProblem when there is not exactly one
    Patient, when a draft or a stay is wanted and there is none.
    """
    held = list(resources)
    people = {each.get("id"): each for each in held if each.get("resourceType") == "Patient"}
    if len(people) != 1:
        raise RecordProblem(f"wanted one Patient, found {len(people)}")
    [(person, patient)] = people.items()
    if not isinstance(person, str) or not person:
        raise RecordProblem("the Patient has no id")
    drafts = [each for each in held if hook in ORDER_HOOKS and _is_draft(each)]
    context: dict[str, Any] = {"userId": "Practitioner/unknown", "patientId": person}
    if encounter or hook == DISCHARGE:
        context["encounterId"] = encounter or _latest_stay(held)
    if hook in ORDER_HOOKS:
        if not drafts:
            raise RecordProblem(f"{hook} wants a draft order: a request with status draft")
        context["draftOrders"] = _bundle(drafts)
        context["selections"] = [f"{each['resourceType']}/{each['id']}" for each in drafts if each.get("id")]
    return context, {**_lists(each for each in held if each not in drafts), PATIENT: patient}


def _lists(resources: Iterable[Resource]) -> dict[str, Any]:
    lists: dict[str, list[Resource]] = {key: [] for key in PREFETCH if key != PATIENT}
    for each in resources:
        kind = each.get("resourceType")
        if kind != "Patient":
            lists.setdefault(_LIST_OF.get(kind, _OTHERS) if isinstance(kind, str) else _OTHERS, []).append(each)
    return {key: _bundle(rows) if rows else None for key, rows in lists.items()}


def _bundle(resources: Iterable[Resource]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def _is_draft(resource: Resource) -> bool:
    return resource.get("resourceType") in _DRAFTS and resource.get("status") == "draft"


def _latest_stay(resources: Iterable[Resource]) -> str:
    stays = [each for each in resources if each.get("resourceType") == "Encounter" and isinstance(each.get("id"), str)]
    if not stays:
        raise RecordProblem(f"{DISCHARGE} wants an Encounter with an id")
    return str(max(stays, key=_began)["id"])


def _began(encounter: Resource) -> str:
    for name in ("period", "actualPeriod"):  # R5 calls it actualPeriod
        start = inside(inside(encounter, name), "start")
        if isinstance(start, str):
            return start
    return ""
