"""Letters that wait, sealed; a delivery may be one of a letter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; every delivery so far was one to screens."""
    op.create_table(
        "letter",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("to_address", sa.String(254), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("service_id", sa.String(26)),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    with op.batch_alter_table("delivery") as table:
        table.alter_column("notice_id", new_column_name="id", existing_type=sa.String(80))
        table.alter_column("service_id", existing_type=sa.String(26), nullable=True)
        table.add_column(sa.Column("to_address", sa.String(254), server_default="", nullable=False))
    with op.batch_alter_table("delivery") as table:
        table.alter_column("to_address", existing_type=sa.String(254), server_default=None)


def downgrade() -> None:
    """Forget letters and what became of them."""
    op.drop_table("letter")
    op.execute("DELETE FROM delivery WHERE to_address <> ''")
    with op.batch_alter_table("delivery") as table:
        table.drop_column("to_address")
        table.alter_column("service_id", existing_type=sa.String(26), nullable=False)
        table.alter_column("id", new_column_name="notice_id", existing_type=sa.String(80))
