"""Records read a day at a time: each transaction is short, and each query finds its rows by the index on time."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

BEFORE_ANY = date(1970, 1, 1)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Give the moment at which a day begins."""
    return datetime.combine(day, time(), zone)


def within(at: ColumnElement[Any], day: date, zone: tzinfo) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Give the conditions that hold for the moments of one day."""
    return at >= midnight(day, zone), at < midnight(day + timedelta(days=1), zone)


def of_rule(rules: ColumnElement[Any], rule: str) -> ColumnElement[bool]:
    """Give the condition that holds for the rows of one rule.

    An expression, so that the index of the day is used: that of the rule would be read whole for each day.
    """
    return rules.concat("") == rule


def days_of(
    connection: Connection, at: ColumnElement[Any], zone: tzinfo, since: date | None, until: date | None
) -> Iterator[date]:
    """Give the days that have a row, in order. since, until: first and last day; None = as far as there are records."""
    day = _next_day(connection, at, zone, since or BEFORE_ANY)
    while day is not None and (until is None or day <= until):
        yield day
        day = _next_day(connection, at, zone, day + timedelta(days=1))


def _next_day(connection: Connection, at: ColumnElement[Any], zone: tzinfo, day: date) -> date | None:
    found = connection.execute(select(func.min(at)).where(at >= midnight(day, zone))).scalar()
    return found.astimezone(zone).date() if found else None
