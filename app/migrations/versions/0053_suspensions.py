"""What was due as an account went dark is known, and when it was restored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever is dark now is written down when it is looked at."""
    op.create_table(
        "dunning_suspension",
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("since_on", sa.Date, nullable=False),
        sa.Column("owed_minor", sa.BigInteger, nullable=False),
        sa.Column("invoices", sa.Integer, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("missing_minor", sa.BigInteger, nullable=False),
        sa.Column("restored_at", sa.BigInteger),
        sa.Column("restored_through", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Forget it: whoever is dark stays so by the age of its debt."""
    op.drop_table("dunning_suspension")
