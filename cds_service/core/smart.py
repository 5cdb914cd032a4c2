"""Adds links that launch a client's SMART apps to its cards.

Pure: nothing that is handed in is changed. Source: CDS Hooks 2.0, "Link": `appContext` is a string, stands on links of
type "smart" only, and reaches the app with its access token. The client's authorization server hands it on, so it says
which rule spoke in which card, and nothing of a person.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.core.card import RULE_EXTENSION

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SmartApp:
    """A SMART app that a client can launch from a card.

    label: of the link.
    url:   launch URL; the client adds `iss` and `launch`.
    rules: ids of rules whose cards have the link; empty = every card.
    """

    label: str
    url: str
    rules: tuple[str, ...] = ()


def with_smart_apps(body: Json, apps: Sequence[SmartApp], *, hook: str, hook_instance: str) -> Json:
    """Give the body of a 200 with a link for each app on the cards it is for; the very same body without apps."""
    if not apps or not body["cards"]:
        return body
    return {**body, "cards": [_card(each, apps, hook, hook_instance) for each in body["cards"]]}


def _card(card: Json, apps: Sequence[SmartApp], hook: str, hook_instance: str) -> Json:
    rule = card["extension"][RULE_EXTENSION]
    speaking = {rule["ruleId"], *(each["ruleId"] for each in rule.get("merged", ()))}
    wanted = [each for each in apps if not each.rules or not speaking.isdisjoint(each.rules)]
    if not wanted:
        return card
    context = _context(card, rule, hook, hook_instance)
    links = [{"label": each.label, "url": each.url, "type": "smart", "appContext": context} for each in wanted]
    return {**card, "links": [*card.get("links", ()), *links]}


def _context(card: Json, rule: Json, hook: str, hook_instance: str) -> str:
    """What an app needs to show what a card rests on, as JSON; the rule is at /rules/{ruleId}/{ruleVersion}."""
    named = {name: rule[name] for name in ("ruleId", "ruleVersion", "release", "merged") if name in rule}
    return json.dumps(
        {"hook": hook, "hookInstance": hook_instance, "card": card["uuid"], **named}, separators=(",", ":")
    )
