"""Refunds, what is known of payment methods, and how far each provider's events were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

UNDECIDED = sa.text("state IN ('open', 'unknown')")
METHOD_REF = ["provider", "method_ref"]
METHOD = ("is_default", "label", "expires_on", "warned_of", "is_leaving")


def upgrade() -> None:
    """Make the tables and the columns."""
    op.create_table(
        "refund",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("reference", sa.String(100), nullable=False),
        sa.Column("movement_id", sa.String(26), sa.ForeignKey("movement.id"), nullable=False),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("charge", sa.String(120), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("note", sa.String(40), nullable=False),
        sa.Column("line", sa.String(60), nullable=False),
        sa.Column("reason", sa.String(254), nullable=False),
        sa.Column("asked_by", sa.String(80), nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("called_at", sa.BigInteger),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("vendor_id", sa.String(120), nullable=False),
        sa.Column("code", sa.String(80), nullable=False),
        sa.UniqueConstraint("account_id", "reference"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index("ix_refund_provider_charge", "refund", ["provider", "charge"])
    op.create_index(
        "ix_refund_undecided",
        "refund",
        ["state"],
        sqlite_where=UNDECIDED,
        postgresql_where=UNDECIDED,
    )
    op.create_table(
        "provider_cursor",
        sa.Column("provider", sa.String(40), primary_key=True),
        sa.Column("event_id", sa.String(120), nullable=False),
        sa.Column("happened_at", sa.BigInteger),
        sa.Column("looked_at", sa.BigInteger, nullable=False),
    )
    no = sa.false()
    for column in (
        sa.Column("is_default", sa.Boolean, nullable=False, server_default=no),
        sa.Column("label", sa.String(80), nullable=False, server_default=sa.text("''")),
        sa.Column("expires_on", sa.Date),
        sa.Column("warned_of", sa.Date),
        sa.Column("is_leaving", sa.Boolean, nullable=False, server_default=no),
    ):
        op.add_column("payment_method", column)
    op.create_index("ix_payment_method_provider_method_ref", "payment_method", METHOD_REF)
    op.create_index("ix_payment_method_expires_on", "payment_method", ["expires_on"])


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_payment_method_expires_on", "payment_method")
    op.drop_index("ix_payment_method_provider_method_ref", "payment_method")
    with op.batch_alter_table("payment_method") as table:
        for name in METHOD:
            table.drop_column(name)
    op.drop_table("provider_cursor")
    op.drop_table("refund")
