"""Revenue is deferred and earned by the month; what is uncollectible is written off."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ID = sa.String(26)


def upgrade() -> None:
    """Make the tables. What was invoiced before is revenue already: its months are done."""
    op.create_table(
        "deferral",
        sa.Column("document_id", ID, primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("earned_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("period_start < period_end", name="period_end"),
    )
    op.create_index("ix_deferral_account_id", "deferral", ["account_id"])
    months = op.create_table(
        "earned_month",
        sa.Column("month", sa.Date, primary_key=True),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("is_done", sa.Boolean, nullable=False),
    )
    invoiced = sa.table("invoice", sa.column("issued_on", sa.Date))
    newest: date | None = op.get_bind().scalar(sa.select(sa.func.max(invoiced.c.issued_on)))
    if newest is not None:
        before = (newest.replace(day=1) - timedelta(days=1)).replace(day=1)
        op.bulk_insert(months, [{"month": before, "account_id": "", "is_done": True}])
    op.create_table(
        "write_off",
        sa.Column("id", ID, primary_key=True),
        sa.Column("invoice_id", ID, sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("written_on", sa.Date, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_write_off_invoice_id", "write_off", ["invoice_id"])
    only_grows("write_off")
    refuse_replacing("write_off")


def downgrade() -> None:
    """Forget what is still to be earned, and what was written off."""
    may_change("write_off")
    op.drop_table("write_off")
    op.drop_table("earned_month")
    op.drop_table("deferral")
