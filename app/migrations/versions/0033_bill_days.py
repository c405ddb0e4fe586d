"""Bill days wait for a person where the operator says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of bill days and of the policy on them."""
    op.create_table(
        "bill_day",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("previewed_at", sa.BigInteger),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("released_at", sa.BigInteger),
        sa.Column("released_by", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(254), nullable=False),
    )
    op.create_table(
        "bill_policy",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("window_days", sa.Integer, nullable=False),
        sa.CheckConstraint("window_days >= 0", name="window_days"),
    )


def downgrade() -> None:
    """Forget them: no day waits any more."""
    op.drop_table("bill_policy")
    op.drop_table("bill_day")
