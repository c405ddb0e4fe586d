"""Usage is kept record by record, with a total for each meter and period; prices say its cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of records and totals; let prices say what usage costs."""
    op.add_column("price", sa.Column("usage", sa.Text))
    op.create_table(
        "usage_record",
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("source_id", sa.String(80), primary_key=True),
        sa.Column("contract", sa.String(40), nullable=False),
        sa.Column("meter", sa.String(40), nullable=False),
        sa.Column("quantity_micro", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("total_id", sa.String(40)),
        sa.CheckConstraint("quantity_micro >= 0", name="quantity_micro"),
        sa.CheckConstraint("(state = 'counted') = (total_id IS NOT NULL)", name="total_id"),
    )
    op.create_index("ix_usage_record_state_contract", "usage_record", ["state", "contract"])
    op.create_index("ix_usage_record_total_id", "usage_record", ["total_id"])
    op.create_table(
        "usage_total",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("service_id", sa.String(26), sa.ForeignKey("service.id"), nullable=False),
        sa.Column(
            "subscription_id", sa.String(26), sa.ForeignKey("subscription.id"), nullable=False
        ),
        sa.Column("offering", sa.String(40), nullable=False),
        sa.Column("meter", sa.String(40), nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("quantity_micro", sa.BigInteger, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("rated_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.CheckConstraint("period_start < period_end", name="period_end"),
        sa.CheckConstraint("quantity_micro >= 0 AND events >= 0", name="quantity_micro"),
    )
    op.create_index(
        "ix_usage_total_service_id_period_end", "usage_total", ["service_id", "period_end"]
    )


def downgrade() -> None:
    """Forget all usage."""
    op.drop_table("usage_total")
    op.drop_table("usage_record")
    with op.batch_alter_table("price") as table:
        table.drop_column("usage")
