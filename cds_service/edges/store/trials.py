"""Decisions of trial versions beside those of the active ones, counted by the database, a day at a time.

A day's rows are found by the indexes on `at`. What comes back are groups: their number grows with the versions and the
criteria that stop them, not with the calls.
"""

import json
from collections.abc import Iterator
from datetime import date, tzinfo
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, and_, case, cast, func, or_, select

from cds_service.core.decision import FIRES, UNDECIDED
from cds_service.edges.store.days import days_of, of_rule, within
from cds_service.edges.store.tables import CALL, RULE_DECISION
from cds_service.rulebook.trial_report import Counted

trial, other = RULE_DECISION.alias("trial"), RULE_DECISION.alias("other")


def counted_trials(
    connection: Connection, zone: tzinfo, since: date | None = None, until: date | None = None, rule: str = ""
) -> Iterator[Counted]:
    """Count the decisions of trial versions, day by day.

    zone: whose days they are. since, until: first and last day; None = as far as there are records.
    rule: id of one rule; "" = of all.
    """
    for day in days_of(connection, RULE_DECISION.c.at, zone, since, until):
        counted = [_counted(row, day) for row in connection.execute(_grouped(day, zone, rule))]
        connection.rollback()  # a transaction for each day: a long one would keep PostgreSQL from tidying up
        yield from sorted(counted, key=lambda each: (each.rule, each.version, each.release, each.digest, each.site))


def _grouped(day: date, zone: tzinfo, rule: str) -> Select[Any]:
    """The trial decisions of one day, counted by outcome.

    Of one rule a call has at most two decisions, the active one first. If both are on trial, the first is the active
    version, which waits for a review: it is told of alone, and the other is compared with it.
    """
    beside, is_active = other.c.place < trial.c.place, other.c.trial.is_(False)
    both_speak = and_(beside, trial.c.state == FIRES, other.c.state == FIRES)
    differ = or_(and_(beside, trial.c.state != other.c.state), trial.c.state == UNDECIDED)
    selected = select(
        trial.c.rule,
        trial.c.version,
        case((beside, other.c.version)).label("active"),
        case((beside, other.c.state)).label("active_state"),
        case((and_(beside, other.c.trial), 0), else_=1).label("shown"),
        case((other.c.place > trial.c.place, 1), else_=0).label("waiting"),
        case((and_(beside, is_active, other.c.state == FIRES, other.c.withheld != ""), 1), else_=0).label("withheld"),
        trial.c.state,
        case((both_speak, trial.c.indicator)).label("indicator"),
        case((both_speak, other.c.indicator)).label("active_indicator"),
        case((differ, cast(trial.c.stopped_by, Text)), else_="[]").label("stopped_by"),
        case((and_(beside, differ), cast(other.c.stopped_by, Text)), else_="[]").label("active_stopped_by"),
        CALL.c.release,
        CALL.c.digest,
        CALL.c.site,
    )
    # A call and its decisions have one moment. Said of each, PostgreSQL reads the day of all three and no table whole.
    days = [and_(*within(each.c.at, day, zone)) for each in (trial, CALL, other)]
    tied = and_(
        days[2], other.c.call_id == trial.c.call_id, other.c.rule == trial.c.rule, other.c.place != trial.c.place
    )
    these = [trial.c.trial.is_(True), *days[:2]]
    if rule:
        these.append(of_rule(trial.c.rule, rule))
    joined = trial.join(CALL, CALL.c.id == trial.c.call_id).outerjoin(other, tied)
    decisions = selected.select_from(joined).where(*these).subquery()
    return select(decisions, func.count().label("calls")).group_by(*decisions.c)


def _counted(row: Row[Any], day: date) -> Counted:
    return Counted(
        day=day,
        rule=row.rule,
        version=row.version,
        active=row.active,
        state=row.state,
        active_state=row.active_state,
        calls=row.calls,
        release=row.release,
        digest=row.digest,
        site=row.site or "",
        shown=bool(row.shown),
        waiting=bool(row.waiting),
        indicator=row.indicator,
        active_indicator=row.active_indicator,
        withheld=bool(row.withheld),
        stopped_by=tuple(json.loads(row.stopped_by)),
        active_stopped_by=tuple(json.loads(row.active_stopped_by)),
    )
