"""Households promise to pay by a day; the operator says which promises are taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    standing = sa.text("state = 'standing'")
    op.create_table(
        "promise",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("until_on", sa.Date, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ended_on", sa.Date),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_promise_account_id", "promise", ["account_id"])
    op.create_index(
        "ux_promise_standing",
        "promise",
        ["account_id"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_table(
        "promise_policy",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("days_max", sa.Integer, nullable=False),
        sa.Column("pause_days", sa.Integer, nullable=False),
        sa.Column("owed_min_minor", sa.BigInteger),
        sa.Column("owed_max_minor", sa.BigInteger),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("promise_policy")
    op.drop_table("promise")
