"""The deliveries of notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "delivery",
        sa.Column("notice_id", sa.String(80), primary_key=True),
        sa.Column("service_id", sa.String(26), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("ix_delivery_service_id", "delivery", ["service_id"])
    op.create_index("ix_delivery_begun_at", "delivery", ["begun_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("delivery")
