"""The tables as they are now; the migrations bring a database to them, and a test holds the two together.

docs/reference/records.md describes every column. No patient or encounter id, no code of the chart, no text.
"""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; a class because SQLAlchemy wants one. SQLite keeps no time zone, so it is put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be kept")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


class Document(TypeDecorator[Any]):
    """JSON, and JSONB where PostgreSQL keeps it; a class so that its dialect is loaded only there."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


def inserting(dialect: Dialect) -> Callable[[Table], Any]:
    """Give the INSERT of a dialect, which has words for rows whose key is there already."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    return sqlite.insert


METADATA = MetaData()


def _column(name: str, kind: Any = Text, *, empty: bool = False, key: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=empty, primary_key=key)


SEEN_TOKEN = Table(
    "seen_token",
    METADATA,
    _column("client", key=True),
    _column("jti_sha256", key=True),
    _column("expires", Moment),
    Index("seen_token_expires", "expires"),
)

CALL = Table(
    "call",
    METADATA,
    _column("id", key=True),
    _column("at", Moment),
    _column("hook_instance"),
    _column("service"),
    _column("client"),
    _column("release"),
    _column("digest"),
    _column("site", empty=True),
    _column("status", Integer),
    _column("ms", Float(53)),
    _column("unread", Document),
    Index("call_at", "at"),
)

RULE_DECISION = Table(
    "rule_decision",
    METADATA,
    _column("call_id", key=True),
    _column("place", Integer, key=True),
    _column("at", Moment),
    _column("rule"),
    _column("version"),
    _column("trial", Boolean),
    _column("state"),
    _column("verdict", empty=True),
    _column("indicator", empty=True),
    _column("withheld"),
    _column("stopped_by", Document),
    _column("card_uuid", empty=True),
    _column("criteria", Document),
    Index("rule_decision_at", "at"),
    Index("rule_decision_rule", "rule", "version", "at"),
    Index("rule_decision_card", "card_uuid"),  # the migration makes it of rows with a card alone
)

FEEDBACK = Table(
    "feedback",
    METADATA,
    _column("key", key=True),
    _column("received_at", Moment),
    _column("client"),
    _column("service"),
    _column("card"),
    _column("outcome"),
    _column("outcome_timestamp", Moment),
    _column("accepted_suggestions", Document),
    _column("reasons", Document),
    _column("comment", empty=True),
    Index("feedback_received_at", "received_at"),
    Index("feedback_card", "card"),
)

# By which column each table ages. Tokens age by their own end, whatever the retention.
AGES_BY = {RULE_DECISION: RULE_DECISION.c.at, CALL: CALL.c.at, FEEDBACK: FEEDBACK.c.received_at}
