"""Direct debits: who collects, mandates, debits and the batches they are in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

ANNOUNCED = sa.text("state = 'announced'")
STATES = "'announced', 'dropped', 'presented', 'booked', 'returned'"


def upgrade() -> None:
    """Make the tables; a bank's line keeps why it takes something back."""
    reason = sa.Column("reason", sa.String(4), nullable=False, server_default=sa.text("''"))
    op.add_column("bank_entry", reason)
    op.create_table(
        "debit_creditor",
        sa.Column("id", sa.String(8), primary_key=True),
        sa.Column("identifier", sa.String(35), nullable=False),
        sa.Column("name", sa.String(70), nullable=False),
        sa.Column("iban", sa.String(34), nullable=False),
        sa.Column("bic", sa.String(11), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("notice_days", sa.Integer, nullable=False),
        sa.Column("lead_days", sa.Integer, nullable=False),
        sa.Column("cut_off_hour", sa.Integer, nullable=False),
        sa.Column("clear_days", sa.Integer, nullable=False),
        sa.Column("says_first", sa.Boolean, nullable=False),
    )
    _mandates()
    _batches()


def _mandates() -> None:
    method = sa.Column(
        "method_id", sa.String(26), sa.ForeignKey("payment_method.id"), primary_key=True
    )
    op.create_table(
        "mandate",
        method,
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("reference", sa.String(35), nullable=False),
        sa.Column("iban", sa.Text, nullable=False),
        sa.Column("holder", sa.String(70), nullable=False),
        sa.Column("signed_on", sa.Date, nullable=False),
        sa.Column("is_once", sa.Boolean, nullable=False),
        sa.Column("is_amended", sa.Boolean, nullable=False),
        sa.Column("is_used", sa.Boolean, nullable=False),
        sa.Column("used_on", sa.Date),
        sa.UniqueConstraint("reference"),
    )
    op.create_index("ix_mandate_account_id", "mandate", ["account_id"])


def _batches() -> None:
    op.create_table(
        "debit_batch",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("collect_on", sa.Date, nullable=False),
        sa.Column("clear_on", sa.Date, nullable=False),
        sa.Column("debits", sa.Integer, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("handed_in_at", sa.BigInteger),
        sa.Column("handed_in_by", sa.String(80), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger),
        sa.Column("booked_at", sa.BigInteger),
        sa.CheckConstraint("debits > 0", name="debits"),
        sa.CheckConstraint("total_minor > 0", name="total_minor"),
        sa.CheckConstraint("handed_in_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
    )
    of_mandate = sa.ForeignKey("mandate.method_id")
    op.create_table(
        "debit",
        sa.Column("attempt_id", sa.String(40), sa.ForeignKey("attempt.id"), primary_key=True),
        sa.Column("method_id", sa.String(26), of_mandate, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("collect_on", sa.Date, nullable=False),
        sa.Column("announced_at", sa.BigInteger, nullable=False),
        sa.Column("batch_id", sa.String(30), sa.ForeignKey("debit_batch.id")),
        sa.Column("sequence", sa.String(4), nullable=False),
        sa.Column("is_amended", sa.Boolean, nullable=False),
        sa.Column("code", sa.String(4), nullable=False),
        sa.Column("returned_at", sa.BigInteger),
        sa.Column("entry_id", sa.String(26), sa.ForeignKey("bank_entry.id")),
        sa.CheckConstraint(f"state IN ({STATES})", name="state"),
    )
    op.create_index("ix_debit_method_id", "debit", ["method_id"])
    op.create_index("ix_debit_batch_id", "debit", ["batch_id"])
    op.create_index(
        "ix_debit_announced",
        "debit",
        ["collect_on"],
        sqlite_where=ANNOUNCED,
        postgresql_where=ANNOUNCED,
    )


def downgrade() -> None:
    """Forget them."""
    for table in ("debit", "debit_batch", "mandate", "debit_creditor"):
        op.drop_table(table)
    with op.batch_alter_table("bank_entry") as entries:
        entries.drop_column("reason")
