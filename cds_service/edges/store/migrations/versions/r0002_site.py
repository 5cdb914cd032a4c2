"""The digest of the site file that was on the release, for each call; null for a release as shipped."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("site", sa.Text, nullable=True))
