"""Checks of cards, suggestions, actions, links and codings (6xx)."""

import re
import uuid

from tests.probe.checks_answers import actions, all_of, answers, cards, parts, text, url
from tests.probe.judge import NotApplicable, Probe, check, wanted


@check(601)
def card_ids(probe: Probe) -> str:
    for heard in answers(probe):
        ids = [each["uuid"] for each in heard.value["cards"] if "uuid" in each]
        wanted(len(set(ids)) == len(ids), "two cards of one answer share a uuid")
    return all_of(cards(probe), "cards", lambda each: "uuid" not in each or uuid.UUID(each["uuid"]))


@check(602)
def summaries(probe: Probe) -> str:
    return all_of(cards(probe), "cards", lambda each: text(each.get("summary")) and len(each["summary"]) < 140)


@check(603)
def details(probe: Probe) -> str:
    holds = lambda each: "detail" not in each or (text(each["detail"]) and not re.search(r"<[a-z/]", each["detail"]))  # noqa: E731
    return all_of(cards(probe), "cards", holds) + ", without HTML"


@check(604)
def indicators(probe: Probe) -> str:
    return all_of(cards(probe), "cards", lambda each: each.get("indicator") in ("info", "warning", "critical"))


@check(605, 606)
def sources(probe: Probe) -> str:
    return all_of(cards(probe), "cards", lambda each: text(each.get("source", {}).get("label")))


@check(607)
def source_urls(probe: Probe) -> str:
    return all_of(cards(probe), "cards", lambda each: "url" not in each["source"] or url(each["source"]["url"]))


@check(608)
def source_icons(probe: Probe) -> str:
    found = [each["source"]["icon"] for each in cards(probe) if "icon" in each["source"]]
    if not found:
        raise NotApplicable("no card has an icon")
    return all_of(found, "icons", url)


@check(609)
def topics(probe: Probe) -> str:
    found = [each["source"]["topic"] for each in cards(probe) if "topic" in each["source"]]
    return all_of(found, "topics", lambda each: text(each.get("code")))


@check(610)
def suggestions(probe: Probe) -> str:
    return all_of(parts(probe, "suggestions"), "suggestions", lambda each: isinstance(each, dict))


@check(611)
def selection_behavior(probe: Probe) -> str:
    holds = lambda each: ("suggestions" in each) <= (each.get("selectionBehavior") in ("at-most-one", "any"))  # noqa: E731
    return all_of(cards(probe), "cards", holds)


@check(612)
def override_reasons(probe: Probe) -> str:
    return all_of(parts(probe, "overrideReasons"), "overrideReasons", lambda each: text(each.get("display")))


@check(613)
def links(probe: Probe) -> str:
    return all_of(parts(probe, "links"), "links", lambda each: isinstance(each, dict))


@check(620)
def suggestion_labels(probe: Probe) -> str:
    return all_of(parts(probe, "suggestions"), "suggestions", lambda each: text(each.get("label")))


@check(621)
def suggestion_ids(probe: Probe) -> str:
    return all_of(parts(probe, "suggestions"), "suggestions", lambda each: "uuid" not in each or text(each["uuid"]))


@check(622)
def recommended(probe: Probe) -> str:
    for card in cards(probe):
        picked = [each for each in card.get("suggestions", []) if each.get("isRecommended")]
        wanted(card.get("selectionBehavior") != "at-most-one" or len(picked) < 2, "two recommended where one is taken")
    holds = lambda each: isinstance(each.get("isRecommended", True), bool)  # noqa: E731
    return all_of(parts(probe, "suggestions"), "suggestions", holds)


@check(623)
def action_lists(probe: Probe) -> str:
    return all_of(parts(probe, "suggestions"), "suggestions", lambda each: isinstance(each.get("actions", []), list))


@check(630)
def action_types(probe: Probe) -> str:
    return all_of(actions(probe), "actions", lambda each: each.get("type") in ("create", "update", "delete"))


@check(631)
def action_descriptions(probe: Probe) -> str:
    return all_of(actions(probe), "actions", lambda each: text(each.get("description")))


@check(632)
def action_resources(probe: Probe) -> str:
    found = [each for each in actions(probe) if each["type"] != "delete"]
    if not found:
        raise NotApplicable("no action creates or updates")
    return all_of(found, "creates and updates", lambda each: text(each.get("resource", {}).get("resourceType")))


@check(633)
def deletes(probe: Probe) -> str:
    found = [each for each in actions(probe) if each["type"] == "delete"]
    if not found:
        raise NotApplicable("no action deletes")
    holds = lambda each: re.fullmatch(r"[A-Z]\w+/[^/\s]+", each.get("resourceId", "")) and "resource" not in each  # noqa: E731
    return all_of(found, "deletes", holds)


@check(640)
def link_labels(probe: Probe) -> str:
    return all_of(parts(probe, "links"), "links", lambda each: text(each.get("label")))


@check(641)
def link_urls(probe: Probe) -> str:
    return all_of(parts(probe, "links"), "links", lambda each: url(each.get("url")))


@check(642)
def link_types(probe: Probe) -> str:
    return all_of(parts(probe, "links"), "links", lambda each: each.get("type") in ("absolute", "smart"))


@check(643)
def app_context(probe: Probe) -> str:
    fits = lambda each: "appContext" not in each or (each.get("type") == "smart" and text(each["appContext"]))  # noqa: E731
    return all_of(parts(probe, "links"), "links", fits)


@check(650)
def codings(probe: Probe) -> str:
    topics = [each["source"]["topic"] for each in cards(probe) if "topic" in each["source"]]
    reasons = [each for card in cards(probe) for each in card.get("overrideReasons", [])]
    return all_of(topics + reasons, "codings", lambda each: text(each.get("code")) and text(each.get("system")))
