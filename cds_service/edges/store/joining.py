"""Feedback joined to what the rules had decided, by the card's uuid, when a report asks.

Feedback may come to any node, before its call was written, after a restart, or about a card that nobody knows: it is
kept as it comes and joined here. A card unites several decisions when rules were merged into it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, and_, select

from cds_service.edges.store.tables import CALL, FEEDBACK, RULE_DECISION
from cds_service.feedback import OverrideReason


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision whose card it was. withheld: "" for the rule that wrote the card, "merged into x" for the others."""

    rule: str
    version: str
    indicator: str | None
    withheld: str


@dataclass(frozen=True, slots=True)
class Joined:
    """One item of feedback and the decisions of its card; none when the card is unknown."""

    received_at: datetime
    client: str
    service: str
    card: str
    outcome: str
    outcome_timestamp: datetime
    accepted_suggestions: tuple[str, ...]
    reasons: tuple[OverrideReason, ...]
    comment: str
    decisions: tuple[Decided, ...]


def feedback_with_decisions(
    connection: Connection, *, since: datetime | None = None, before: datetime | None = None
) -> Iterator[Joined]:
    """Give the feedback received from `since` until just before `before`, in the order it came.

    Only decisions of calls of the same client are joined: nobody speaks about another client's cards. A call that was
    answered twice, with the same card ids, counts once.
    """
    mine = RULE_DECISION.join(CALL, RULE_DECISION.c.call_id == CALL.c.id)
    tied = and_(RULE_DECISION.c.card_uuid == FEEDBACK.c.card, CALL.c.client == FEEDBACK.c.client)
    decided = (RULE_DECISION.c.rule, RULE_DECISION.c.version, RULE_DECISION.c.indicator, RULE_DECISION.c.withheld)
    query = select(FEEDBACK, *decided).select_from(FEEDBACK.outerjoin(mine, tied))
    if since is not None:
        query = query.where(FEEDBACK.c.received_at >= since)
    if before is not None:
        query = query.where(FEEDBACK.c.received_at < before)
    found = connection.execute(query.order_by(FEEDBACK.c.received_at, FEEDBACK.c.key).execution_options(yield_per=1000))
    for _, group in groupby(found, key=lambda row: row.key):
        rows = list(group)
        decisions = {Decided(row.rule, row.version, row.indicator, row.withheld) for row in rows if row.rule}
        first = rows[0]
        yield Joined(
            received_at=first.received_at,
            client=first.client,
            service=first.service,
            card=first.card,
            outcome=first.outcome,
            outcome_timestamp=first.outcome_timestamp,
            accepted_suggestions=tuple(first.accepted_suggestions),
            reasons=tuple(OverrideReason(each["code"], each["system"]) for each in first.reasons),
            comment=first.comment or "",
            decisions=tuple(sorted(decisions, key=lambda each: (each.withheld, each.rule, each.version))),
        )


def unknown_cards(joined: Iterable[Joined]) -> int:
    """How many items are about a card that no record knows."""
    return sum(not each.decisions for each in joined)
