"""Why a line of a bank is no customer's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; it only grows."""
    op.create_table(
        "bank_aside",
        sa.Column("entry_id", sa.String(26), sa.ForeignKey("bank_entry.id"), primary_key=True),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(254), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index(op.f("ix_bank_aside_at_entry_id"), "bank_aside", ["at", "entry_id"])
    only_grows("bank_aside")
    refuse_replacing("bank_aside")


def downgrade() -> None:
    """Forget it; the postings that follow from it stay."""
    may_change("bank_aside")
    op.drop_table("bank_aside")
