"""Checks of feedback (7xx). Every one says in its answer that feedback is not supported when the route is not there."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from tests.probe.charts import good
from tests.probe.judge import NotApplicable, Probe, check, refused, taken, wanted
from tests.probe.wire import Heard

REASON = {"code": "probe-reason", "system": "https://example.org/reasons", "display": "A reason"}


def item(**changes: Any) -> dict[str, Any]:
    """An item about a card that is known nowhere; a change to Ellipsis leaves a member out."""
    whole = {
        "card": str(uuid.uuid4()),
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": str(uuid.uuid4())}],
        "outcomeTimestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def overridden(**changes: Any) -> dict[str, Any]:
    return item(**{"outcome": "overridden", "acceptedSuggestions": ..., **changes})


def post(probe: Probe, *items: Any, body: Any = None) -> Heard:
    path = f"{probe.services[0].path}/feedback"
    return probe.wire.post(path, {"feedback": list(items)} if body is None else body)


def sending(probe: Probe, what: str, *items: Any) -> Heard:
    """Send items that are to be taken."""
    heard = post(probe, *items)
    wanted(heard.status in (200, 204), f"{what}: {heard.status}, wanted 200 or 204: {heard.text[:200]}")
    return heard


def supported(probe: Probe) -> None:
    if post(probe, item()).status == 404:
        raise NotApplicable("the service takes no feedback")


def each_refused(probe: Probe, name: str, *values: Any) -> str:
    supported(probe)
    for value in values:
        refused(post(probe, item(**{name: value})), f"{name} {'left out' if value is ... else json.dumps(value)}")
    return f"{name} left out or wrong ({len(values)} ways), alone in its post: refused"


@check(701)
def feedback_is_taken(probe: Probe) -> str:
    supported(probe)
    for service in probe.services:
        heard = probe.wire.post(f"{service.path}/feedback", {"feedback": [item()]})
        wanted(heard.status in (200, 204), f"{service.id}/feedback: {heard.status}")
    refused(probe.wire.post("/cds-services/no-such-service/feedback", {"feedback": [item()]}), "unknown service", 404)
    return f"taken for {len(probe.services)} services, 404 for an unknown one"


@check(702)
def body_is_an_object(probe: Probe) -> str:
    supported(probe)
    for body in ([], [item()], "text", 7, {"feedback": item()}, {"feedback": 7}, {"feedback": None}, {"other": []}):
        refused(post(probe, body=body), f"the body {json.dumps(body)[:40]}")
    path = f"{probe.services[0].path}/feedback"
    refused(probe.wire.send("POST", path, b"{"), "half a body", 400)
    refused(probe.wire.send("GET", path), "GET", 405)
    return "arrays, texts, numbers, no feedback, no array, no JSON, GET: refused"


@check(703)
def card_is_needed(probe: Probe) -> str:
    return each_refused(probe, "card", ..., None, 7, "", [], {})


@check(704)
def outcome_is_needed(probe: Probe) -> str:
    return each_refused(probe, "outcome", ..., None, "ignored", "ACCEPTED", 7, [])


@check(705)
def suggestions_go_with_accepted(probe: Probe) -> str:
    wrong = (..., None, [], 7, ["id"], [{}], [{"id": 7}], {"id": "a"})
    return each_refused(probe, "acceptedSuggestions", *wrong)


@check(706)
def reasons(probe: Probe) -> str:
    supported(probe)
    bare = {name: REASON[name] for name in ("code", "system")}
    for reason in (
        {"reason": REASON},
        {"reason": bare},
        {"userComment": "words"},
        {"reason": bare, "userComment": "words"},
    ):
        sending(probe, f"overrideReason {json.dumps(reason)}", overridden(overrideReason=reason))
    for reason in (7, "text", {"reason": "text"}, {"reason": {}}, {"userComment": 7}):
        refused(post(probe, overridden(overrideReason=reason)), f"overrideReason {json.dumps(reason)}")
    return "a Coding with and without display, a comment, both: taken; other types: refused"


@check(707)
def timestamps(probe: Probe) -> str:
    for when in (
        "2026-03-01T09:30:00Z",
        "2026-03-01T09:30:00.123Z",
        "2026-03-01T09:30:00.123456789Z",
        "2026-03-01T09:30:00+00:00",
    ):
        sending(probe, f"outcomeTimestamp {when}", item(outcomeTimestamp=when))
    return each_refused(probe, "outcomeTimestamp", ..., None, 7, "", "yesterday", "2026-03-01", "2026-02-30T09:30:00Z")


@check(708)
def batches_and_repeats(probe: Probe) -> str:
    supported(probe)
    cards = shown(probe) or [str(uuid.uuid4()) for _ in range(3)]
    batch = [item(card=each) for each in cards] + [overridden(card=each) for each in cards]
    sending(probe, "several cards, each twice", *batch, *batch)
    sending(probe, "the same again", *batch)
    return f"{len(batch) * 2} items of {len(cards)} cards of several calls, then again: taken"


def shown(probe: Probe) -> list[str]:
    """Cards of this run, of different calls."""
    called = {each.path for each in probe.services}
    heard = [each.value for each in probe.wire.heard if each.path in called and each.status == 200]
    return list({card["uuid"]: None for value in heard for card in value.get("cards", []) if "uuid" in card})[:20]


@check(709)
def feedback_is_authenticated(probe: Probe) -> str:
    supported(probe)
    signer, path = probe.wire.signer, f"{probe.services[0].path}/feedback"
    if signer is None:
        raise NotApplicable("no key was given: authentication is off")
    refused(probe.wire.post(path, {"feedback": [item()]}, token=None), "feedback without a token", 401)
    for_the_call = signer.token(probe.services[0].path)
    refused(probe.wire.post(path, {"feedback": [item()]}, token=for_the_call), "feedback with the call's aud", 401)
    return "without a token and with the aud of the call: 401; with its own aud: taken"


@check(710)
def no_reason_is_needed(probe: Probe) -> str:
    supported(probe)
    sending(probe, "overridden without a reason", overridden())
    return "overridden without a reason: taken"


@check(711)
def unknown_cards_do_not_fail_a_batch(probe: Probe) -> str:
    supported(probe)
    sending(probe, "cards that are unknown here", item(), item(), overridden())
    for bad in parts_of_a_batch():
        heard = sending(probe, f"a batch with {json.dumps(bad)[:40]} in it", item(), bad, overridden())
        wanted(not heard.text or "[1]" in heard.text, f"the bad item of a batch is not named: {heard.text[:200]}")
    return "unknown cards: taken; a partly bad batch: its good items taken, the bad one named"


def parts_of_a_batch() -> Iterator[Any]:
    yield from (None, 7, "text", [], {}, item(card=...), item(outcome="ignored"), item(outcomeTimestamp="soon"))


@check(712)
def other_spellings(probe: Probe) -> str:
    supported(probe)
    said = {"reason": REASON, "userComment": "words"}
    sending(probe, "overrideReasons, an object", overridden(overrideReasons=said))
    sending(probe, "overrideReasons, an array", overridden(overrideReasons=[said]))
    sending(probe, "overrideReasons with an extension", overridden(overrideReasons={"extension": {"org.example": "1"}}))
    sending(probe, "ids that are no UUID", item(card="eCard.1_2-3", acceptedSuggestions=[{"id": "s.1"}]))
    heard = probe.wire.post(probe.services[0].path, good(probe.services[0]))
    taken(heard, "a call after all that feedback")
    return "overrideReasons as object and array, extensions, ids of another form: taken"
