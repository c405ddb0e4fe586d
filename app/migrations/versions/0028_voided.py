"""Invoices may be called void."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of those that are; it only grows."""
    op.create_table(
        "voided",
        sa.Column("invoice_id", sa.String(26), sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("is_charged_again", sa.Boolean, nullable=False),
        sa.Column("voided_at", sa.BigInteger, nullable=False),
        sa.Column("voided_by", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(254), nullable=False),
    )
    only_grows("voided")
    refuse_replacing("voided")


def downgrade() -> None:
    """Forget them: what was given back stays given back."""
    may_change("voided")
    op.drop_table("voided")
