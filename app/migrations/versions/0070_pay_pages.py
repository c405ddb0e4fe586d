"""Pages to pay on that are handed out, so that they can be closed when something else is owed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

CLOSING = sa.text("is_closing")


def upgrade() -> None:
    """Make the table. Those that were made until now are over within a day, by themselves."""
    op.create_table(
        "pay_page",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("vendor_id", sa.String(120), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("debts", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("is_closing", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_pay_page_account_id", "pay_page", ["account_id"])
    op.create_index(
        "ix_pay_page_closing",
        "pay_page",
        ["id"],
        sqlite_where=CLOSING,
        postgresql_where=CLOSING,
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("pay_page")
