"""What waits for boxes that call us stands in the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "errand",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("target", sa.String(32), nullable=False),
        sa.Column("ref", sa.String(64), nullable=False),
        sa.Column("request", sa.String(160), nullable=False, unique=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("error_kind", sa.String(20), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_errand_target_ref", "errand", ["target", "ref"])
    stages = ["target", "stage", "ended_at"]
    op.create_index("ix_errand_target_stage_ended_at", "errand", stages)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("errand")
