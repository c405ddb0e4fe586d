"""The jobs of a household are found in their order, without looking at all others."""

from __future__ import annotations

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Have the index tell their order, too."""
    op.drop_index("ix_job_service", "job")
    op.create_index("ix_job_service_id", "job", ["service", "id"])


def downgrade() -> None:
    """Have it tell the household alone."""
    op.drop_index("ix_job_service_id", "job")
    op.create_index("ix_job_service", "job", ["service"])
