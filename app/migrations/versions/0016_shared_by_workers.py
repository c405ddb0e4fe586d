"""What several processes share: who has the lead, how much of a target each may take, its rate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "lead",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "target_share",
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("worker", sa.BigInteger, primary_key=True),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "target_turn",
        sa.Column("target", sa.String(32), primary_key=True),
        sa.Column("taken_until", sa.BigInteger, nullable=False),
    )
    with op.batch_alter_table("target") as table:
        table.add_column(sa.Column("call_every_us", sa.BigInteger))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("target") as table:
        table.drop_column("call_every_us")
    op.drop_table("target_turn")
    op.drop_table("target_share")
    op.drop_table("lead")
