"""Announcements, and which channels a household has declined for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; a letter that waits has no link."""
    op.create_table(
        "opt_out",
        sa.Column("service_id", sa.String(26), primary_key=True),
        sa.Column("via", sa.String(10), primary_key=True),
        sa.Column("declined_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "announcement",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("segment", sa.String(40)),
        sa.Column("texts", sa.Text, nullable=False),
        sa.Column("behind", sa.String(40), nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("announcement")
    op.drop_table("opt_out")
