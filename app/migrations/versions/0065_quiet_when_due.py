"""Quiet hours are asked for when a letter is due, and no longer written beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget them: whatever waits asks again."""
    op.drop_column("letter", "not_before")


def downgrade() -> None:
    """Bring the column back, of no letter that waits."""
    op.add_column("letter", sa.Column("not_before", sa.BigInteger))
