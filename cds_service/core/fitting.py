"""Fits an answer to the client it is for: what its profile says a card may hold.

Pure: nothing that is handed in is changed. What is left out is counted in the evaluation extension, so that nobody
looks for it in vain.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cds_service.core.card import EVALUATION_EXTENSION, MUST_STAY, NOT_FOUND, RULE_LINE, SOURCES
from cds_service.core.profile import Profile

LEFT_OUT = "leftOut"
SHORTENED = "*Shortened for this display.*"
_CONCEPTS = ("code", "medicationCodeableConcept", "medication")  # what a draft is of
_TRIGGERED_HOOK = "patient-view"  # clients reuse it for moments that have no hook of their own

Json = dict[str, Any]


def fitted(body: Json, profile: Profile) -> Json:
    """Give the body of a 200 as this client can take it; the very same body if it takes all."""
    if profile.takes_all or not body["cards"]:
        return body
    left_out: Counter[str] = Counter()
    cards = [_card(each, profile, left_out) for each in body["cards"]]
    if not left_out:
        return {**body, "cards": cards}
    extension = body["extension"]
    evaluation = {**extension[EVALUATION_EXTENSION], LEFT_OUT: dict(sorted(left_out.items()))}
    return {**body, "cards": cards, "extension": {**extension, EVALUATION_EXTENSION: evaluation}}


def hook_by_trigger(hook: str, extension: Mapping[str, Any], profile: Profile) -> str:
    """Give the hook whose rules answer a call: its own, or the one that its trigger stands for.

    extension: of the request; a trigger is a number, also as text ("27").
    """
    if hook != _TRIGGERED_HOOK or not profile.hook_by_trigger:
        return hook
    trigger = extension.get(profile.trigger_extension)
    if type(trigger) is int:
        trigger = str(trigger)
    return profile.hook_by_trigger.get(trigger.strip(), hook) if isinstance(trigger, str) else hook


def _card(card: Json, profile: Profile, left_out: Counter[str]) -> Json:
    suggestions = [_spelt(each, profile) for each in card.get("suggestions", ()) if _may_be_made(each, profile)]
    links = [_link(each, profile) for each in card.get("links", ()) if _may_link(each, profile)]
    left_out.update(
        {
            "suggestions": len(card.get("suggestions", ())) - len(suggestions),
            "links": len(card.get("links", ())) - len(links),
        }
    )
    detail = _shortened(card["detail"], profile.detail_limit)
    left_out["details"] += detail != card["detail"]
    for name in [name for name, count in left_out.items() if not count]:
        del left_out[name]
    fit = {
        **card,
        "detail": detail,
        "suggestions": suggestions,
        "selectionBehavior": card.get("selectionBehavior") if suggestions else None,
        "links": links,
    }
    return {name: value for name, value in fit.items() if value}


def _may_be_made(suggestion: Json, profile: Profile) -> bool:
    """All actions of a suggestion apply together, so one that may not be sent takes the others along."""
    return all(_may_act(each, profile) for each in suggestion["actions"])


def _may_act(action: Json, profile: Profile) -> bool:
    if action["type"] not in profile.action_types:
        return False
    resource = action.get("resource")
    if resource is None:
        return True
    if profile.creates is not None and resource["resourceType"] not in profile.creates:
        return False
    if resource.get("doNotPerform") and (not profile.declines or resource["resourceType"] in profile.never_declined):
        return False
    return not profile.coded_only or any(_is_coded(resource.get(name, {})) for name in _CONCEPTS)


def _is_coded(concept: Json) -> bool:
    """Whether a CodeableConcept, or the CodeableReference that R5 has in its place, bears a code."""
    return bool(concept.get("concept", concept).get("coding"))


def _may_link(link: Json, profile: Profile) -> bool:
    return profile.may_link(link["url"], smart=link["type"] == "smart")


def _link(link: Json, profile: Profile) -> Json:
    return link if profile.app_context else {name: each for name, each in link.items() if name != "appContext"}


def _spelt(suggestion: Json, profile: Profile) -> Json:
    if not profile.spellings:
        return suggestion
    spelt: Json = _respelt(suggestion, profile.spellings)
    return spelt


def _respelt(value: Any, spellings: Mapping[str, str]) -> Any:
    """Write the system of every coding as the client knows it."""
    if isinstance(value, list):
        return [_respelt(each, spellings) for each in value]
    if not isinstance(value, dict):
        return value
    spelt = {name: _respelt(each, spellings) for name, each in value.items()}
    if "code" in spelt and isinstance(spelt.get("system"), str):
        spelt["system"] = spellings.get(spelt["system"], spelt["system"])
    return spelt


def _shortened(detail: str, limit: int | None) -> str:
    """Leave out whole blocks until the detail fits: sources first, then what was not found, then from the end.

    What could not be told or read, which rule speaks, and notices that the law or the lack of a review asks for stay
    always, and so does the first block; so the detail may remain longer than the limit.
    """
    if limit is None or len(detail) <= limit:
        return detail
    left: list[str] = []
    for block in detail.split("\n\n"):
        if left and block.startswith("- "):  # a list stands below its heading after an empty line, and belongs to it
            left[-1] += f"\n\n{block}"
        else:
            left.append(block)
    others = left[1:]
    going = [each for heading in (SOURCES, NOT_FOUND) for each in others if each.startswith(heading)]
    going += [each for each in reversed(others) if each not in going and not each.startswith((*MUST_STAY, RULE_LINE))]
    for each in going:
        if len(_joined(left)) <= limit:
            break
        left.remove(each)
    return _joined(left)


def _joined(blocks: list[str]) -> str:
    return "\n\n".join([*blocks, SHORTENED])
