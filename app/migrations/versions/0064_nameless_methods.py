"""When a provider was asked last what a payment method without a name is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

NAME = "ix_payment_method_nameless"
NAMELESS = sa.text("label = '' AND stopped = ''")


def upgrade() -> None:
    """Make the column and the index; nobody was asked yet."""
    op.add_column("payment_method", sa.Column("asked_at", sa.BigInteger))
    op.create_index(
        NAME,
        "payment_method",
        ["provider", "asked_at"],
        sqlite_where=NAMELESS,
        postgresql_where=NAMELESS,
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index(NAME, "payment_method")
    with op.batch_alter_table("payment_method") as table:
        table.drop_column("asked_at")
