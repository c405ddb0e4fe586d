"""Invoices may be called void; what would be billed is written down as a proforma invoice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = ("voided", "proforma")


def upgrade() -> None:
    """Make both tables; they only grow."""
    op.create_table(
        "voided",
        sa.Column("invoice_id", sa.String(26), sa.ForeignKey("invoice.id"), primary_key=True),
        sa.Column("is_charged_again", sa.Boolean, nullable=False),
        sa.Column("voided_at", sa.BigInteger, nullable=False),
        sa.Column("voided_by", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(254), nullable=False),
    )
    op.create_table(
        "proforma",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("number", sa.String(40), nullable=False, unique=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("billed_on", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.CheckConstraint("valid_until >= issued_on", name="valid_until"),
    )
    op.create_index("ix_proforma_account_id_sequence", "proforma", ["account_id", "sequence"])
    for table in TABLES:
        only_grows(table)
        refuse_replacing(table)


def downgrade() -> None:
    """Forget them: what was given back stays given back."""
    for table in TABLES:
        may_change(table)
        op.drop_table(table)
