"""Notices have channels: their rules, the gateway for short messages, and what went by which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_DELIVERY = sa.table("delivery", sa.column("via"), sa.column("to_address"))


def upgrade() -> None:
    """Say of what went out so far by which channel it did."""
    op.create_table(
        "notice_policy",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "message_gateway",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("options", sa.Text, nullable=False),
    )
    op.add_column(
        "delivery",
        sa.Column("via", sa.String(10), nullable=False, server_default=sa.text("'screen'")),
    )
    letters = _DELIVERY.c.to_address != ""
    op.execute(sa.update(_DELIVERY).where(letters).values(via="mail"))
    op.add_column("letter", sa.Column("not_before", sa.BigInteger))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("letter", "not_before")
    op.drop_column("delivery", "via")
    op.drop_table("message_gateway")
    op.drop_table("notice_policy")
