"""Links that launch a client's SMART apps: on which cards they stand, and what the app is told."""

import copy
import json
from typing import Any

import pytest

from cds_service.clients.profiles import CERNER
from cds_service.core.fitting import fitted
from cds_service.core.profile import GENERIC, Profile
from cds_service.core.smart import SmartApp, with_smart_apps

CALL = {"hook": "order-sign", "hook_instance": "0f0e0d0c-0000-4000-8000-000000000001"}
PLAN = SmartApp("Open the care plan", "https://apps.example.org/plan")
DOSES = SmartApp("Doses", "https://apps.example.org/doses", ("one-rule", "another-rule"))
RULE = "org.oud-cds.rule"
OWN_LINK = {"label": "About this rule", "url": "https://cds.example.org/rules/one-rule/1.0.0", "type": "absolute"}


def card(rule_id: str, *merged: str, links: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    rule: dict[str, Any] = {"ruleId": rule_id, "ruleVersion": "1.0.0", "release": "2026.1.0", "digest": "abc"}
    if merged:
        rule["merged"] = [{"ruleId": each, "ruleVersion": "2.0.0"} for each in merged]
    made = {"uuid": f"card-of-{rule_id}", "detail": "Words of a chart.", "extension": {RULE: rule}}
    return {**made, "links": list(links)} if links else made


def body(*cards: dict[str, Any]) -> dict[str, Any]:
    return {"cards": list(cards), "extension": {"org.oud-cds.evaluation": {"release": "2026.1.0"}}}


def labels(answer: dict[str, Any]) -> list[list[str]]:
    return [[each["label"] for each in card.get("links", ())] for card in answer["cards"]]


def test_without_apps_or_cards_the_very_same_body_is_given() -> None:
    sent = body(card("one-rule"))
    assert with_smart_apps(sent, (), **CALL) is sent
    none = body()
    assert with_smart_apps(none, (PLAN,), **CALL) is none


def test_an_app_stands_on_every_card_or_on_those_of_its_rules() -> None:
    sent = body(card("one-rule", links=(OWN_LINK,)), card("third-rule"), card("third-rule", "another-rule"))
    before = copy.deepcopy(sent)
    assert labels(with_smart_apps(sent, (PLAN, DOSES), **CALL)) == [
        ["About this rule", "Open the care plan", "Doses"],
        ["Open the care plan"],
        ["Open the care plan", "Doses"],
    ]
    assert labels(with_smart_apps(sent, (DOSES,), **CALL)) == [["About this rule", "Doses"], [], ["Doses"]]
    assert sent == before


def test_the_app_is_told_which_rules_spoke_in_which_card_and_nothing_else() -> None:
    answer = with_smart_apps(body(card("one-rule"), card("one-rule", "another-rule")), (PLAN,), **CALL)
    alone, together = (each["links"][0] for each in answer["cards"])
    assert {name: each for name, each in alone.items() if name != "appContext"} == {
        "label": "Open the care plan",
        "url": "https://apps.example.org/plan",
        "type": "smart",
    }
    assert isinstance(alone["appContext"], str)
    told = {
        "hook": "order-sign",
        "hookInstance": "0f0e0d0c-0000-4000-8000-000000000001",
        "card": "card-of-one-rule",
        "ruleId": "one-rule",
        "ruleVersion": "1.0.0",
        "release": "2026.1.0",
    }
    assert json.loads(alone["appContext"]) == told
    merged = [{"ruleId": "another-rule", "ruleVersion": "2.0.0"}]
    assert json.loads(together["appContext"]) == {**told, "merged": merged}


@pytest.mark.parametrize(
    ("profile", "kept", "told"),
    [
        (GENERIC, 2, True),
        (CERNER, 0, False),  # no host is listed
        (Profile(link_hosts=("apps.example.org",)), 1, True),
        (Profile(link_hosts=("apps.example.org",), app_context=False), 1, False),
        (Profile(smart_hosts=()), 1, False),
    ],
)
def test_a_profile_says_where_links_may_go_and_whether_the_app_is_told(profile: Profile, kept: int, told: bool) -> None:
    sent = with_smart_apps(body(card("one-rule", links=(OWN_LINK,))), (PLAN,), **CALL)
    links = fitted(sent, profile)["cards"][0].get("links", [])
    assert (len(links), any("appContext" in each for each in links)) == (kept, told)
