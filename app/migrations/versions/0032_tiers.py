"""Prices depend on how many there are and on what else is had, and may promise a minimum."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let prices say so."""
    op.add_column(
        "price", sa.Column("tiers", sa.String(400), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("price", sa.Column("bundled_minor", sa.BigInteger))
    least = sa.Column("minimum_minor", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("price", least)


def downgrade() -> None:
    """Forget what else they were."""
    with op.batch_alter_table("price") as table:
        table.drop_column("minimum_minor")
        table.drop_column("bundled_minor")
        table.drop_column("tiers")
