"""Cards shown and what was answered, counted by the database, a day at a time.

What comes back are groups: their number grows with versions, clients and reasons, not with cards. A day's rows are
found by the indexes on `at` and `received_at`, the answers and the earlier showings of a card by those on its id.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, and_, case, cast, func, literal, or_, select

from cds_service.edges.store.days import days_of, midnight, of_rule, within
from cds_service.edges.store.tables import CALL, FEEDBACK, RULE_DECISION
from cds_service.feedback_report.counted import MERGED, OTHER, WROTE, Calls, Cards, Reasons, Unknown

ROWS = 1000  # of one fetch
earlier, earlier_call = RULE_DECISION.alias("earlier"), CALL.alias("earlier_call")


def days_on_record(
    connection: Connection, zone: tzinfo, since: date | None = None, until: date | None = None
) -> tuple[date, date] | None:
    """Give the days of the oldest and the newest call; None without any. since, until: as in `counted_feedback`."""
    wanted = [CALL.c.at >= midnight(since, zone)] if since else []
    if until:
        wanted.append(CALL.c.at < midnight(until + timedelta(days=1), zone))
    oldest, newest = (
        connection.execute(select(end(CALL.c.at)).where(*wanted)).scalar() for end in (func.min, func.max)
    )
    connection.rollback()
    return (oldest.astimezone(zone).date(), newest.astimezone(zone).date()) if oldest and newest else None


def last_feedback(connection: Connection, zone: tzinfo) -> dict[str, date]:
    """Give the day on which each client was last heard, whatever it said, over all that is on record."""
    found = connection.execute(select(FEEDBACK.c.client, func.max(FEEDBACK.c.received_at)).group_by(FEEDBACK.c.client))
    heard = {client: at.astimezone(zone).date() for client, at in found}
    connection.rollback()
    return heard


def counted_feedback(
    connection: Connection, zone: tzinfo, since: date | None = None, until: date | None = None, rule: str = ""
) -> Iterator[Cards | Calls | Unknown]:
    """Count calls, the cards of active versions with their answers, and feedback about unknown cards, day by day.

    zone: whose days they are. since, until: first and last day on which cards were shown and items received; None = as
    far as there are records. An answer counts whenever it came.
    rule: id of one rule, whose cards alone are counted; "" = of all.
    """
    for day in days_of(connection, CALL.c.at, zone, since, until):
        for row in connection.execute(_calls(day, zone)):
            yield Calls(day, row.client, row.service, row.digest, row.calls)
        for row in connection.execute(_cards(day, zone, rule).execution_options(yield_per=ROWS)):
            yield _counted(row, day)
        connection.rollback()  # a transaction for each day: a long one would keep PostgreSQL from tidying up
    for day in days_of(connection, FEEDBACK.c.received_at, zone, since, until):
        yield Unknown(day, connection.execute(_unknown(day, zone)).scalar_one())
        connection.rollback()


def _calls(day: date, zone: tzinfo) -> Select[Any]:
    by = CALL.c.client, CALL.c.service, CALL.c.digest
    return select(*by, func.count().label("calls")).where(*within(CALL.c.at, day, zone)).group_by(*by)


def _cards(day: date, zone: tzinfo, rule: str) -> Select[Any]:
    """The decisions of active versions of one day, each with its last answer, counted by outcome.

    A card that was shown before, because its call was sent again, counts on the day it was first shown. Of several
    answers the last by the client's own time counts; of two at the same moment the acceptance.
    """
    shown = RULE_DECISION.c
    role = case((shown.card_uuid.is_(None), OTHER), (shown.withheld == "", WROTE), else_=MERGED)
    answered = and_(FEEDBACK.c.card == shown.card_uuid, FEEDBACK.c.client == CALL.c.client)
    of_card = (shown.call_id, shown.place)
    last = func.row_number().over(
        partition_by=of_card, order_by=(FEEDBACK.c.outcome_timestamp.desc(), FEEDBACK.c.outcome, FEEDBACK.c.key)
    )
    these = [shown.trial.is_(False), *within(shown.at, day, zone), *within(CALL.c.at, day, zone)]
    if rule:
        these.append(of_rule(shown.rule, rule))
    cards = (
        select(
            shown.rule,
            shown.version,
            CALL.c.client,
            CALL.c.service,
            CALL.c.digest,
            role.label("role"),
            case((role == MERGED, shown.withheld), else_="").label("merged_into"),
            func.coalesce(FEEDBACK.c.outcome, "").label("outcome"),
            func.coalesce(cast(FEEDBACK.c.reasons, Text), "[]").label("reasons"),
            last.label("number"),
            func.count(FEEDBACK.c.key).over(partition_by=of_card).label("answers"),
        )
        .select_from(RULE_DECISION.join(CALL, CALL.c.id == shown.call_id).outerjoin(FEEDBACK, answered))
        .where(*these, ~_shown_before())
        .subquery()
    )
    by = [each for each in cards.c if each.name not in ("number", "answers")]
    again = func.sum(case((cards.c.answers > 1, 1), else_=0)).label("again")
    return select(*by, func.count().label("cards"), again).where(cards.c.number == 1).group_by(*by)


def _shown_before() -> Any:
    shown = RULE_DECISION.c
    sooner = or_(earlier.c.at < shown.at, and_(earlier.c.at == shown.at, earlier.c.call_id < shown.call_id))
    same = (
        earlier.c.card_uuid == shown.card_uuid,
        # Expressions, so that the index of cards is used and not that of rules, which finds thousands.
        earlier.c.rule.concat("") == shown.rule,
        earlier.c.version.concat("") == shown.version,
        earlier_call.c.client == CALL.c.client,
        sooner,
    )
    found = select(literal(1)).select_from(earlier.join(earlier_call, earlier_call.c.id == earlier.c.call_id))
    return found.where(*same).correlate(RULE_DECISION, CALL).exists()


def _unknown(day: date, zone: tzinfo) -> Select[Any]:
    """Items received on one day about cards that no call of the same client has on record."""
    mine = RULE_DECISION.join(CALL, CALL.c.id == RULE_DECISION.c.call_id)
    same = RULE_DECISION.c.card_uuid == FEEDBACK.c.card, CALL.c.client == FEEDBACK.c.client
    known = select(literal(1)).select_from(mine).where(*same).correlate(FEEDBACK).exists()
    return select(func.count()).select_from(FEEDBACK).where(*within(FEEDBACK.c.received_at, day, zone), ~known)


def _counted(row: Row[Any], day: date) -> Cards:
    return Cards(
        day=day,
        rule=row.rule,
        version=row.version,
        client=row.client,
        service=row.service,
        digest=row.digest,
        role=row.role,
        cards=row.cards,
        outcome=row.outcome,
        reasons=reasons_of(row.reasons),
        again=int(row.again),
        host=row.merged_into.removeprefix("merged into "),
    )


def reasons_of(text: str) -> Reasons:
    """Read the reasons of an item, each once and in one order, so that the same reasons are the same group."""
    return tuple(sorted({(each["system"], each["code"]) for each in json.loads(text)}))
