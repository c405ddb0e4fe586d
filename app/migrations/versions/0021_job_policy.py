"""The operator says whether jobs to install boxes open by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "job_policy",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("install", sa.String(16), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("job_policy")
