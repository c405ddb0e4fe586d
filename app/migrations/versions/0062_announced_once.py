"""What is announced is known by what it says and to whom, so that it is not said twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

INDEX = "ix_announcement_digest_at"


def upgrade() -> None:
    """Add its digest; what was announced until now has none."""
    digest = sa.Column("digest", sa.String(32), nullable=False, server_default=sa.text("''"))
    op.add_column("announcement", digest)
    op.create_index(op.f(INDEX), "announcement", ["digest", "at"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index(op.f(INDEX), "announcement")
    with op.batch_alter_table("announcement") as table:
        table.drop_column("digest")
