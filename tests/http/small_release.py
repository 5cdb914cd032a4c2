"""A release of two small rules, built from the core's dataclasses: enough to see every status of an answer.

`adult-note` looks at the patient only and runs at every hook; `asthma-note` reads conditions and asks for them.
Nothing here is clinical guidance.
"""

from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, Flask

from cds_service.core.engine import compile_release
from cds_service.core.facts import Coding
from cds_service.core.rule import (
    Bounds,
    Card,
    Conditions,
    Criterion,
    Edition,
    Evidence,
    Find,
    Line,
    Logic,
    Parameter,
    Release,
    Rule,
    When,
)
from cds_service.core.value_set import ValueSet
from cds_service.edges.logs import call_log
from cds_service.edges.metrics import Metrics, metrics_page
from cds_service.edges.rule_pages import rule_pages
from cds_service.edges.web import Door, Ports, create_app
from cds_service.services import Site, in_service
from cds_service.wiring import all_of

TODAY = date(2026, 3, 1)
HOOKS = ("patient-view", "order-select", "order-sign", "encounter-discharge")
SERVICE_OF = {hook: f"oud-{hook}" for hook in HOOKS}
SNOMED = "http://snomed.info/sct"
ASTHMA = ValueSet("asthma", "1.0.0", "Asthma", frozenset({Coding(SNOMED, "195967001")}))
ADULT_YEARS = Parameter("adult_years", 18, "years", (16, 21), "Consent differs before.")
SOURCE = Evidence("example", "An example, not a guideline", "https://example.org/guideline", "C", ("cards",))

ADULT = Criterion(
    "adult", "The person is at least {adult_years} old", Find(("Patient",), age=Bounds(at_least="adult_years"))
)
ASTHMATIC = Criterion("has_asthma", "Asthma is on record", Find(("Condition",), code_in=("asthma",)))


def _edition(rule_id: str, hooks: tuple[str, ...], criteria: tuple[Criterion, ...], **changes: Any) -> Edition:
    names = tuple(each.name for each in criteria)
    lines = (
        Line("An example line"),
        Line("A line for {adult_years}", Conditions(if_=names[:1])),
        Line("Never this line", Conditions(unless=names[:1])),
    )
    card = Card("note", "An example card", (("info", None),), lines, ("example",), ())
    rule = Rule(
        id=rule_id,
        version="1.0.0",
        title=f"Example {rule_id}",
        purpose="Show how the service answers.",
        owner="example owner",
        developer="example developer",
        funding="example funding",
        released="2026-01-01",
        known_limits=("It says nothing clinical.",),
        hooks=hooks,
        attributes={"date_of_birth": "age limit", "race": None},
        evidence=(SOURCE,),
        uses=(),
        parameters={"adult_years": ADULT_YEARS},
        criteria={each.name: each for each in criteria},
        when=When(Logic(all=names), changes.get("unread", "no_card"), "no_card"),
        cards=(changes.get("card", card),),
        reviewed=changes.get("reviewed"),
    )
    return Edition(rule, {}, {"asthma": ASTHMA})


ADULT_NOTE = _edition("adult-note", HOOKS, (ADULT,))
ASTHMA_NOTE = _edition(
    "asthma-note",
    ("patient-view",),
    (ASTHMATIC,),
    unread="ask_fetch",
    reviewed={"by": "example group", "date": "2026-02-02"},
)
# Its card names a source that the rule does not have, so writing it raises.
BROKEN_NOTE = _edition(
    "broken-note",
    HOOKS,
    (ADULT,),
    card=Card("note", "Never shown", (("info", None),), (Line("Never shown"),), ("no-such-source",), ()),
)


def release_of(*active: Edition, trial: tuple[Edition, ...] = ()) -> Release:
    return Release("2026.3.0", "0" * 64, active, trial)


def version_of(edition: Edition, version: str, **changes: Any) -> Edition:
    """Another version of a rule, for instance one that is on trial beside it."""
    return replace(edition, rule=replace(edition.rule, version=version, **changes))


SMALL = release_of(ADULT_NOTE, ASTHMA_NOTE)


def app_of(
    release: Release = SMALL,
    *,
    max_bytes: int = 1_000_000,
    deadline_s: float = 5.0,
    pages: tuple[Blueprint, ...] = (),
    **more: Any,
) -> Flask:
    """The small release behind our web edge.

    more: further ports, as cds_service.edges.web.Ports names them. `seen` and `pages` take the place of log and counts.
    """
    metrics = Metrics(release)
    given: dict[str, Any] = {
        "today": lambda client: TODAY,
        "new_incident": lambda: "incident-1",
        "seen": all_of(call_log(), metrics.seen),
        **more,
    }
    now = in_service(compile_release(release), given.pop("site", Site()))
    ports = Ports(in_service=lambda: now, **given)
    shown = (rule_pages(lambda: release), *(pages or (metrics_page(metrics),)))
    return create_app(ports, Door(max_bytes, deadline_s), *shown)


def patient(birth_date: str = "1980-05-05") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "example-1", "birthDate": birth_date}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources]}


def draft_orders() -> dict[str, Any]:
    """One draft order, of a drug that no rule looks for. The Bundle has no type: clients leave it out."""
    order = {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/example-1"},
        "medicationCodeableConcept": {"text": "example drug"},
    }
    return {"resourceType": "Bundle", "entry": [{"resource": order}]}


def call(hook: str = "patient-view") -> dict[str, Any]:
    """A complete call of `hook` about an adult, with an empty list for each key."""
    context: dict[str, Any] = {"userId": "Practitioner/example-user", "patientId": "example-1"}
    if hook.startswith("order"):
        context["draftOrders"] = draft_orders()
    if hook == "order-select":
        context["selections"] = ["MedicationRequest/draft-1"]
    if hook == "encounter-discharge":
        context["encounterId"] = "stay-1"
    return {
        "hook": hook,
        "hookInstance": "0f1e2d3c-4b5a-11f0-8977-123456789abc",
        "context": context,
        "prefetch": {"patient": patient(), "conditions": None},
    }
