"""How much a person gives back alone, and who was the second one of a refund."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'waiting'")
EMPTY = sa.text("''")
COLUMNS = ("line_minor", "pay_out", "decided_by", "decided_at", "decided_why")


def upgrade() -> None:
    """Make the table and the columns; whatever went back until now was one person's."""
    for column in (
        sa.Column("line_minor", sa.BigInteger),
        sa.Column("pay_out", sa.String(100), nullable=False, server_default=EMPTY),
        sa.Column("decided_by", sa.String(80), nullable=False, server_default=EMPTY),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("decided_why", sa.String(254), nullable=False, server_default=EMPTY),
    ):
        op.add_column("refund", column)
    op.create_index(
        "ix_refund_waiting", "refund", ["id"], sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_table(
        "refund_limit",
        sa.Column("currency", sa.String(3), primary_key=True),
        sa.Column("alone_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("alone_minor >= 0", name="alone_minor"),
    )


def downgrade() -> None:
    """Forget them; what still waits is refused, since nobody would let it go."""
    op.drop_table("refund_limit")
    op.drop_index("ix_refund_waiting", "refund")
    op.execute("UPDATE refund SET state = 'refused' WHERE state IN ('waiting', 'declined')")
    with op.batch_alter_table("refund") as table:
        for name in COLUMNS:
            table.drop_column(name)
