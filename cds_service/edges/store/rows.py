"""From what happened to the values of rows. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cds_service.feedback import FeedbackItem
from cds_service.records import CallRow

# Ids come from clients, who may send anything. Longer ones belong to no card of ours; PostgreSQL could not index them.
ID_LENGTH = 255
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def call_values(row: CallRow, call_id: str) -> dict[str, Any]:
    """The row of `call`."""
    return {
        "id": call_id,
        "at": row.at,
        "hook_instance": _id(row.hook_instance),
        "service": row.service,
        "client": row.client,
        "release": row.release,
        "digest": row.digest,
        "site": row.site,
        "status": row.status,
        "ms": row.ms,
        "unread": list(row.unread),
    }


def decision_values(row: CallRow, call_id: str) -> list[dict[str, Any]]:
    """The rows of `rule_decision`, numbered in the order of the decisions."""
    return [
        {
            "call_id": call_id,
            "place": place,
            "at": row.at,
            "rule": each.rule,
            "version": each.version,
            "trial": each.trial,
            "state": each.state,
            "verdict": each.verdict,
            "indicator": each.indicator,
            "withheld": each.withheld,
            "stopped_by": list(each.stopped_by),
            "card_uuid": each.card_uuid,
            "criteria": dict(each.criteria),
        }
        for place, each in enumerate(row.decisions)
    ]


def feedback_values(
    client: str, service: str, items: Iterable[FeedbackItem], received_at: datetime, *, comments: bool
) -> list[dict[str, Any]]:
    """The rows of `feedback`. An item that says the same again has the same `key`, whenever it is received."""
    rows = [_item_values(client, service, each, received_at, comments) for each in items]
    # One order for all, so that no two batches wait for each other's rows.
    return sorted(rows, key=lambda row: str(row["key"]))


def _item_values(
    client: str, service: str, item: FeedbackItem, received_at: datetime, comments: bool
) -> dict[str, Any]:
    said = {
        "client": client,
        "service": service,
        "card": _card(item.card),
        "outcome": item.outcome,
        "accepted_suggestions": [_id(each) for each in item.accepted_suggestions],
        "reasons": [{"code": _id(each.code), "system": _id(each.system)} for each in item.reasons],
        "comment": (_text(item.comment) or None) if comments else None,
    }
    # Made of what is kept only: the hash of a comment that is not kept could be guessed back into its words.
    identity = json.dumps([item.outcome_timestamp.timestamp(), said], sort_keys=True)
    return {
        **said,
        "key": hashlib.sha256(identity.encode()).hexdigest(),
        "outcome_timestamp": item.outcome_timestamp,
        "received_at": received_at,
    }


def _card(text: str) -> str:
    """A card's id; a UUID in small letters, as ours are written, because clients may write it in capitals."""
    return text.lower() if _UUID.fullmatch(text) else _id(text)


def _id(text: str) -> str:
    return _text(text)[:ID_LENGTH]


def _text(text: str) -> str:
    """Text that either database can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
