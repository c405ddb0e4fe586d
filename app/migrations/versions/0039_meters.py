"""How far the usage that a target tells was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of cursors."""
    op.create_table(
        "target_meter",
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("cursor", sa.String(200), nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
    )


def downgrade() -> None:
    """Forget how far: records are known by their ids, so that none counts twice."""
    op.drop_table("target_meter")
