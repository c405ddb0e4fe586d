"""When a refund was asked for in machine time, in which tokens are made and revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of those asked for until now it is as if business had that time."""
    op.add_column("refund", sa.Column("noted_at", sa.BigInteger))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("refund") as table:
        table.drop_column("noted_at")
