"""What of a bank's lines a person has taken from an account again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

PART = ["entry_id", "n"]


def upgrade() -> None:
    """Make the table; it only grows."""
    op.create_table(
        "bank_undone",
        sa.Column("entry_id", sa.String(26), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("undone_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(PART, [f"bank_part.{name}" for name in PART]),
    )
    only_grows("bank_undone")
    refuse_replacing("bank_undone")


def downgrade() -> None:
    """Forget it; the movements and postings that follow from it stay."""
    may_change("bank_undone")
    op.drop_table("bank_undone")
