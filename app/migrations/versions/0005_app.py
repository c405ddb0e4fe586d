"""Tables of the composition root: API tokens, and what was imported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_token",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "imported_row",
        sa.Column("file", sa.String(40), primary_key=True),
        sa.Column("key", sa.String(160), primary_key=True),
        sa.Column("cells", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("imported_row")
    op.drop_table("api_token")
