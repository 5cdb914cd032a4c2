"""A suggestion that is taken ends the matter: the same rule, asked again, is silent or lower.

It is asked again at signing, with the draft among the orders; a rule that does not run there is asked again at the
hook that showed its card, with the order in the chart.

EHRs call again after a suggestion was taken. A rule that says the same once more would send the clinician in circles.
"""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.config import read_settings
from cds_service.fixtures import Fixture, find, names
from cds_service.wiring import build_app
from tests.http.fixture_days import RULES, rules

LEVELS = ("info", "warning", "critical")
SILENT = -1

# Suggestions that go beside the remedy and do not change what the order does. The card stays and offers them no more.
# So do those of a rule that was merged into the card: what they settle is the matter of that rule.
BESIDE = {
    (
        "naltrexone-with-opioids",
        "Draft a urine drug test",
    ): "a test that is ordered says nothing yet of opioids on board",
    ("mat-consideration", "Draft a pregnancy test"): "a test beside the treatment is not the treatment",
    ("mat-consideration", "Draft a liver panel"): "a test beside the treatment is not the treatment",
    (
        "naltrexone-with-opioids",
        "Refer for agonist treatment",
    ): "a referral for later does not take the naltrexone off the order",
    ("discharge-after-withdrawal", "Refer for addiction treatment"): "a referral is no treatment until the first visit",
    ("moud-after-overdose", "Refer for addiction treatment"): "a referral is no treatment until the first visit",
    ("moud-after-overdose", "Refer for assessment"): "naloxone and a safety plan are still to be offered",
    ("mental-health-screening", "Draft PHQ-9"): "the card names the screens that are still missing",
    ("mental-health-screening", "Draft GAD-7"): "the card names the screens that are still missing",
    ("paws-follow-up", "Draft PHQ-9"): "a screen is not the follow-up",
    ("paws-follow-up", "Draft GAD-7"): "a screen is not the follow-up",
}


def _cases() -> list[str]:
    return [name for name in names() if find(name).expected and (find(name).expected or {}).get("cards")]


@pytest.fixture(scope="module")
def clients() -> dict[date, FlaskClient]:
    return {}


def client_on(day: date, clients: dict[date, FlaskClient]) -> FlaskClient:
    if day not in clients:
        environ = {"CDS_AUTH": "off", "CDS_RULES": str(RULES), "CDS_TODAY": day.isoformat()}
        clients[day] = build_app(read_settings(environ)).test_client()
    return clients[day]


def with_suggestion(request: dict[str, Any], suggestion: dict[str, Any]) -> dict[str, Any]:
    """The call at signing that an EHR makes once a suggestion was taken."""
    signing = deepcopy(request)
    signing["hook"] = "order-sign"
    context = signing["context"]
    context.pop("selections", None)
    context.setdefault("userId", "Practitioner/1")
    orders = context.setdefault("draftOrders", {"resourceType": "Bundle", "type": "collection", "entry": []})
    for action in suggestion["actions"]:
        if action["type"] == "create":
            orders["entry"].append({"resource": {"id": f"taken-{len(orders['entry'])}", **action["resource"]}})
        else:
            kept = [each for each in orders["entry"] if _reference(each["resource"]) != action["resourceId"]]
            assert len(kept) == len(orders["entry"]) - 1, "the suggestion removes exactly one order"
            orders["entry"] = kept
    return signing


LISTS = {"MedicationRequest": "medicationRequests", "ServiceRequest": "serviceRequests"}


def with_order_on_record(request: dict[str, Any], suggestion: dict[str, Any]) -> dict[str, Any]:
    """The call that an EHR makes at the same hook once a suggestion was taken and its draft was signed."""
    later = deepcopy(request)
    for action in suggestion["actions"]:
        assert action["type"] == "create"
        drafted = action["resource"]
        bundle = later["prefetch"][LISTS[drafted["resourceType"]]]
        entries = bundle.setdefault("entry", [])
        entries.append({"resource": {**drafted, "id": f"taken-{len(entries)}", "status": "active", "intent": "order"}})
        if "total" in bundle:
            bundle["total"] += 1
    return later


def runs_at_signing(rule: str) -> bool:
    return any(each.rule.id == rule and "order-sign" in each.rule.hooks for each in rules().release.active)


def _reference(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"


def answer_to(client: FlaskClient, request: dict[str, Any]) -> dict[str, Any]:
    hook = request["hook"]
    answered = client.post(f"/cds-services/oud-{hook}", json=request)
    assert answered.status_code in (200, 412), answered.text
    return dict(answered.json or {})


def cards_of(client: FlaskClient, request: dict[str, Any]) -> list[dict[str, Any]]:
    return list(answer_to(client, request).get("cards", []))


def level_of(rule: str, cards: list[dict[str, Any]]) -> int:
    """How high a rule speaks: -1 when it is silent."""
    levels = [
        LEVELS.index(each["indicator"]) for each in cards if each["extension"]["org.oud-cds.rule"]["ruleId"] == rule
    ]
    return max(levels, default=SILENT)


def labels_of_guests(answer: dict[str, Any], host: str) -> set[str]:
    """The labels that a card carries for rules that were merged into it, and that its own rule does not know."""
    withheld = answer["extension"]["org.oud-cds.evaluation"].get("withheld", ())
    guests = {each["ruleId"] for each in withheld if each["why"] == f"merged into {host}"}
    return labels_of(guests) - labels_of({host})


def labels_of(ids: set[str]) -> set[str]:
    active = [each.rule for each in rules().release.active if each.rule.id in ids]
    return {one.label for rule in active for card in rule.cards for one in card.suggestions}


def test_a_suggestion_that_is_taken_ends_the_matter(clients: dict[date, FlaskClient]) -> None:
    tried, circles = {True: 0, False: 0}, []
    for name in _cases():
        fixture: Fixture = find(name)
        assert fixture.written_for is not None
        client = client_on(fixture.written_for, clients)
        request = dict(fixture.request)
        answer = answer_to(client, request)
        for card in answer["cards"]:
            rule = card["extension"]["org.oud-cds.rule"]["ruleId"]
            of_guests = labels_of_guests(answer, rule)
            for suggestion in card.get("suggestions", ()):
                at_signing = runs_at_signing(rule)
                tried[at_signing] += 1
                taken = with_suggestion if at_signing else with_order_on_record
                again = cards_of(client, taken(request, suggestion))
                if (rule, suggestion["label"]) in BESIDE or suggestion["label"] in of_guests:
                    offered = {each["label"] for one in again for each in one.get("suggestions", ())}
                    circles += [(name, suggestion["label"])] if suggestion["label"] in offered else []
                elif level_of(rule, again) >= LEVELS.index(card["indicator"]):
                    circles.append((name, suggestion["label"]))
    assert circles == []
    assert min(tried.values()) > 50


def test_a_rule_that_is_not_answered_speaks_again(clients: dict[date, FlaskClient]) -> None:
    fixture = find("order-sign/naltrexone-after-oxycodone")
    assert fixture.written_for is not None
    request = dict(fixture.request)
    cards = cards_of(client_on(fixture.written_for, clients), request)
    assert level_of("naltrexone-with-opioids", cards) == LEVELS.index("critical")
    nothing_taken = with_suggestion(request, {"actions": []})
    assert level_of("naltrexone-with-opioids", cards_of(client_on(fixture.written_for, clients), nothing_taken)) == 2
