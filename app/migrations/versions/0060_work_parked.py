"""Work that was set aside is found without looking at all work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

ASIDE = sa.text("parked_at IS NOT NULL")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_work_parked", "work", ["parked_at"], sqlite_where=ASIDE, postgresql_where=ASIDE
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_work_parked", "work")
