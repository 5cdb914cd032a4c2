"""CDS Hooks feedback: what a clinician did with a card, read liberally and checked item by item.

Pure: values in, values out. Liberal where clients really differ: a batch may be of one or many cards, a card may be
named by any id, the reason may stand under `overrideReasons`, alone or in a list, coded or in an extension. Source:
https://cds-hooks.hl7.org/2.0/ "Feedback"; Epic's documented feedback messages.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from marshmallow import Schema, ValidationError, fields

from cds_service.core.problem import Issue, RequestProblem
from cds_service.protocol import BoundedList, Envelope, issues_of, messages, text_field

ACCEPTED, OVERRIDDEN = "accepted", "overridden"
MOST_ITEMS = 500  # of one post
MOST_IN_ITEM = 50  # suggestions or reasons of one item
MOST_COMMENT = 4000  # characters

_ID = re.compile(r"[\x21-\x7e]{1,200}")  # a uuid, or what else a client knows a card by
# RFC 3339; the zone may be missing at clients that mean UTC, which the protocol demands anyway.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
ID_FORM = "an id of up to 200 characters without blanks"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")  # what is none is text, which is not kept
_REASON_CATEGORY = "com.epic.cdshooks.feedback.overrideReason.reasonCategory"


class NotKept(Exception):
    """Feedback could not be made durable now; the client may send it again."""


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """A coded reason; its display is not kept, because it is text that the client wrote. system: a URI, else ""."""

    code: str
    system: str


@dataclass(frozen=True, slots=True)
class FeedbackItem:
    """What was done with one card.

    card:      the card's uuid, or whatever id the client knows it by.
    outcome:   ACCEPTED or OVERRIDDEN. outcome_timestamp: UTC.
    accepted_suggestions: ids of the suggestions taken. reasons: coded reasons of an override.
    comment:   free text of an override, "" for none.
    """

    card: str
    outcome: str
    outcome_timestamp: datetime
    accepted_suggestions: tuple[str, ...] = ()
    reasons: tuple[OverrideReason, ...] = ()
    comment: str = ""


class OneOrMany(fields.Field[Any]):
    """An object or an array of objects; a class because marshmallow asks for one."""

    def __init__(self, schema: Schema, name: str) -> None:
        super().__init__(data_key=name, error_messages=messages("an object or an array of objects"))
        self._schema = schema

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        many = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in many):
            raise self.make_error("invalid")
        if len(many) > MOST_IN_ITEM:
            raise ValidationError(f"has more than {MOST_IN_ITEM} entries")
        faults = {index: found for index, each in enumerate(many) if (found := self._schema.validate(each))}
        if faults:
            raise ValidationError(faults if isinstance(value, list) else faults[0])
        return many


def _at_most(limit: int, what: str) -> Any:
    def check(value: Any) -> None:
        if len(value) > limit:
            raise ValidationError(f"has more than {limit} {what}")

    return check


class ReasonSchema(Envelope):
    """A Coding."""

    code = text_field(_ID, ID_FORM)
    system = fields.String(validate=_at_most(200, "characters"), error_messages=messages("a string"))


class OverrideReasonSchema(Envelope):
    """Member `overrideReason`: a reason, a comment, or a client's own extension."""

    reason = fields.Nested(ReasonSchema, error_messages=messages("an object"))
    user_comment = fields.String(
        data_key="userComment", validate=_at_most(MOST_COMMENT, "characters"), error_messages=messages("a string")
    )
    extension = fields.Dict(error_messages=messages("an object"))


class SuggestionSchema(Envelope):
    """A suggestion that was taken."""

    id = text_field(_ID, ID_FORM)


class FeedbackItemSchema(Envelope):
    """One item of a batch."""

    card = text_field(_ID, ID_FORM)
    outcome = text_field(re.compile(f"{ACCEPTED}|{OVERRIDDEN}"), f"{ACCEPTED} or {OVERRIDDEN}")
    outcome_timestamp = text_field(_INSTANT, "a moment such as 2026-03-01T09:30:00Z", name="outcomeTimestamp")
    accepted_suggestions = BoundedList(
        fields.Nested(SuggestionSchema, error_messages=messages("an object")),
        most=MOST_IN_ITEM,
        name="acceptedSuggestions",
    )
    override_reason = OneOrMany(OverrideReasonSchema(), "overrideReason")
    override_reasons = OneOrMany(OverrideReasonSchema(), "overrideReasons")


_ITEM = FeedbackItemSchema()


def read_feedback(body: object) -> tuple[tuple[FeedbackItem, ...], tuple[Issue, ...]]:
    """Give the items that can be kept, each once, and what is wrong with the others.

    A member that is null reads as left out. No value of the request is repeated.
    Raises RequestProblem 400 when the body is no batch.
    """
    if not isinstance(body, dict):
        raise RequestProblem(400, Issue("structure", "", "the body must be a JSON object"))
    sent = body.get("feedback")
    if sent is None:
        raise RequestProblem(400, Issue("required", "feedback", "is required"))
    if not isinstance(sent, list):
        raise RequestProblem(400, Issue("structure", "feedback", "must be an array"))
    if len(sent) > MOST_ITEMS:
        raise RequestProblem(400, Issue("too-long", "feedback", f"has more than {MOST_ITEMS} items; send it in parts"))
    kept: dict[FeedbackItem, None] = {}
    issues: list[Issue] = []
    for index, each in enumerate(map(_without_null, sent)):
        faults = list(_faults(each, f"feedback[{index}]"))
        if faults:
            issues += faults
        else:
            kept[_item(each)] = None
    return tuple(kept), tuple(issues)


def _without_null(sent: Any) -> Any:
    if isinstance(sent, dict):
        return {name: _without_null(each) for name, each in sent.items() if each is not None}
    return [_without_null(each) for each in sent] if isinstance(sent, list) else sent


def _faults(sent: Any, where: str) -> Iterator[Issue]:
    """Why one item cannot be kept."""
    if not isinstance(sent, dict):
        yield Issue("structure", where, "must be an object")
        return
    errors = _ITEM.validate(sent)
    yield from issues_of(errors, where)
    if sent.get("outcome") == ACCEPTED and not sent.get("acceptedSuggestions"):
        yield Issue("required", f"{where}.acceptedSuggestions", f"is required when the outcome is {ACCEPTED}")
    if "outcomeTimestamp" not in errors and _instant(sent["outcomeTimestamp"]) is None:
        yield Issue("value", f"{where}.outcomeTimestamp", "is a day or a time that does not exist")


def _item(sent: Mapping[str, Any]) -> FeedbackItem:
    said = [each for name in ("overrideReason", "overrideReasons") for each in _list(sent.get(name))]
    when = _instant(sent["outcomeTimestamp"])
    assert when is not None
    return FeedbackItem(
        card=sent["card"],
        outcome=sent["outcome"],
        outcome_timestamp=when,
        accepted_suggestions=tuple(dict.fromkeys(each["id"] for each in sent.get("acceptedSuggestions", ()))),
        reasons=tuple(dict.fromkeys(reason for each in said if (reason := _reason(each)))),
        comment="\n".join(comment for each in said if (comment := each.get("userComment", "").strip())),
    )


def _reason(said: Mapping[str, Any]) -> OverrideReason | None:
    """The coded reason of one entry: a Coding, or a site's own category in Epic's extension."""
    if "reason" in said:
        system = said["reason"].get("system", "")
        return OverrideReason(said["reason"]["code"], system if _URI.fullmatch(system) else "")
    category = said.get("extension", {}).get(_REASON_CATEGORY)
    if isinstance(category, str) and _ID.fullmatch(category):
        return OverrideReason(category, _REASON_CATEGORY)
    return None


def _list(sent: Any) -> list[Any]:
    return [] if sent is None else sent if isinstance(sent, list) else [sent]


def _instant(text: str) -> datetime | None:
    """Read an RFC 3339 moment as UTC, to the microsecond; None when there is no such day or time."""
    found = _INSTANT.fullmatch(text)
    assert found is not None
    day, clock, fraction, offset = found.groups()
    micro = (fraction or "")[:6].ljust(6, "0")
    zone = "+00:00" if offset is None or offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{micro}{zone}").astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
