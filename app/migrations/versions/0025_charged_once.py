"""What is charged once waits for its invoice; what is bought once may be watched for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of pending charges and of purchases."""
    op.create_table(
        "pending_charge",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("service_id", sa.String(26), sa.ForeignKey("service.id"), nullable=False),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("offering", sa.String(40), nullable=False),
        sa.Column("price_from", sa.Date, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("rate_minor", sa.BigInteger, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("tax", sa.String(40), nullable=False),
        sa.Column("label", sa.String(300), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("is_withdrawn", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="amount_minor"),
        sa.CheckConstraint("from_on <= due_on", name="due_on"),
        sa.CheckConstraint("period_start < period_end", name="period_end"),
    )
    op.create_index(
        "ix_pending_charge_account_id_is_open", "pending_charge", ["account_id", "is_open"]
    )
    op.create_index("ix_pending_charge_cause", "pending_charge", ["cause"])
    op.create_table(
        "purchase",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("ref", sa.String(80), nullable=False),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("service_id", sa.String(26), sa.ForeignKey("service.id"), nullable=False),
        sa.Column("offering", sa.String(40), sa.ForeignKey("offering.code"), nullable=False),
        sa.Column("activation", sa.String(8), nullable=False),
        sa.Column("bought_at", sa.BigInteger, nullable=False),
        sa.Column("from_at", sa.BigInteger),
        sa.Column("until_at", sa.BigInteger),
        sa.Column("watched_at", sa.BigInteger),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("is_revoked", sa.Boolean, nullable=False),
        sa.UniqueConstraint("source", "ref"),
        sa.CheckConstraint("from_at < until_at", name="until_at"),
    )
    op.create_index("ix_purchase_account_id_is_open", "purchase", ["account_id", "is_open"])
    op.create_index("ix_purchase_service_id", "purchase", ["service_id"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("purchase")
    op.drop_table("pending_charge")
