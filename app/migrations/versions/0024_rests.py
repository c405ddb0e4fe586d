"""Subscriptions are of so many; services rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count what was subscribed as one; make the table of pauses."""
    with op.batch_alter_table("subscription") as table:
        table.add_column(sa.Column("quantity", sa.Integer, nullable=False, server_default="1"))
        table.create_check_constraint("quantity", "quantity > 0")
    op.create_table(
        "pause",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("service_id", sa.String(26), sa.ForeignKey("service.id"), nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("until_on", sa.Date),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
    )
    op.create_index("ix_pause_service_id", "pause", ["service_id"])


def downgrade() -> None:
    """Forget both."""
    op.drop_table("pause")
    with op.batch_alter_table("subscription") as table:
        table.drop_constraint("quantity", type_="check")
        table.drop_column("quantity")
