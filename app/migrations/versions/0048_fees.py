"""An invoice of fees is paid after all others; which one is, is told by the invoice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was charged as a fee until now."""
    for table in ("invoice", "open_item"):
        fresh = sa.Column("is_fee", sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column(table, fresh)


def downgrade() -> None:
    """Take the marks away."""
    for table in ("open_item", "invoice"):
        op.drop_column(table, "is_fee")
