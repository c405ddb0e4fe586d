"""Who sells, from which day on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "seller",
        sa.Column("effective_from", sa.Date, primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("tax_number", sa.String(40), nullable=False),
        sa.Column("register", sa.String(120), nullable=False),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("seller")
