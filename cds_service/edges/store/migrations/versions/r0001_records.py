"""Calls, what rules decided in them, feedback, and tokens that were seen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "seen_token",
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("jti_sha256", sa.Text, primary_key=True),
        sa.Column("expires", MOMENT, nullable=False),
    )
    op.create_index("seen_token_expires", "seen_token", ["expires"])

    op.create_table(
        "call",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("hook_instance", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("ms", sa.Float(53), nullable=False),
        sa.Column("unread", DOCUMENT, nullable=False),
    )
    op.create_index("call_at", "call", ["at"])

    op.create_table(
        "rule_decision",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("trial", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=True),
        sa.Column("indicator", sa.Text, nullable=True),
        sa.Column("withheld", sa.Text, nullable=False),
        sa.Column("stopped_by", DOCUMENT, nullable=False),
        sa.Column("card_uuid", sa.Text, nullable=True),
        sa.Column("criteria", DOCUMENT, nullable=False),
    )
    op.create_index("rule_decision_at", "rule_decision", ["at"])
    op.create_index("rule_decision_rule", "rule_decision", ["rule", "version", "at"])
    has_card = sa.text("card_uuid IS NOT NULL")
    op.create_index(
        "rule_decision_card", "rule_decision", ["card_uuid"], sqlite_where=has_card, postgresql_where=has_card
    )

    op.create_table(
        "feedback",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("outcome_timestamp", MOMENT, nullable=False),
        sa.Column("accepted_suggestions", DOCUMENT, nullable=False),
        sa.Column("reasons", DOCUMENT, nullable=False),
        sa.Column("comment", sa.Text, nullable=True),
    )
    op.create_index("feedback_received_at", "feedback", ["received_at"])
    op.create_index("feedback_card", "feedback", ["card"])
