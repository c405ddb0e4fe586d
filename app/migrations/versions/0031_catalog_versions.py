"""Every publication of the catalogue is remembered as it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.triggers import may_change, only_grows

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; its rows stay as they are."""
    op.create_table(
        "catalog_version",
        sa.Column("edition", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("published_at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    only_grows("catalog_version")


def downgrade() -> None:
    """Forget what was published before."""
    may_change("catalog_version")
    op.drop_table("catalog_version")
