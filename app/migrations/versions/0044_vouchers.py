"""Batches of vouchers, the digests of their codes, and the sealed keys of these digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "voucher_key",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    op.create_table(
        "voucher_batch",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("prefix", sa.String(6), nullable=False),
        sa.Column("value_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("dealer", sa.String(80), nullable=False),
        sa.Column("margin_ppm", sa.Integer, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("activated_at", sa.BigInteger),
        sa.Column("stopped_at", sa.BigInteger),
        sa.Column("redeemed", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("value_minor > 0", name="value_minor"),
        sa.CheckConstraint("margin_ppm BETWEEN 0 AND 1000000", name="margin_ppm"),
        sa.CheckConstraint("redeemed BETWEEN 0 AND count", name="redeemed"),
        sa.CheckConstraint("state IN ('made', 'active', 'stopped')", name="state"),
    )
    op.create_table(
        "voucher",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("batch", sa.String(40), sa.ForeignKey("voucher_batch.name"), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id")),
        sa.Column("redeemed_at", sa.BigInteger),
        sa.UniqueConstraint("batch", "n"),
        sa.CheckConstraint("(account_id IS NULL) = (redeemed_at IS NULL)", name="account_id"),
    )
    op.create_index("ix_voucher_account_id", "voucher", ["account_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("voucher")
    op.drop_table("voucher_batch")
    op.drop_table("voucher_key")
