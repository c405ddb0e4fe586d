"""Loyalty: the program, its members and their points, and who brought whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "loyalty_program",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("referral_minor", sa.BigInteger),
        sa.Column("currency", sa.String(3)),
        sa.Column("months", sa.Integer, nullable=False),
        sa.Column("tiers", sa.Text, nullable=False),
    )
    op.create_table(
        "loyalty",
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("points >= 0", name="points"),
    )
    op.create_table(
        "point_entry",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("loyalty.account_id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String(80), nullable=False),
        sa.Column("charge", sa.String(170), nullable=False),
        sa.Column("expires_on", sa.Date),
        sa.Column("earned", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("account_id", "kind", "cause"),
        sa.CheckConstraint("points <> 0", name="points"),
    )
    op.create_index("ix_point_entry_account_id", "point_entry", ["account_id"])
    only_grows("point_entry")
    refuse_replacing("point_entry")
    op.create_table(
        "referral_code",
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column(
            "account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False, unique=True
        ),
    )
    op.create_table(
        "referral",
        sa.Column("referred_id", sa.String(26), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("referrer_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("referred_at", sa.BigInteger, nullable=False),
        sa.Column("rewarded_at", sa.BigInteger),
        sa.CheckConstraint("referrer_id < referred_id", name="referrer_id"),
    )
    op.create_index("ix_referral_referrer_id", "referral", ["referrer_id"])


def downgrade() -> None:
    """Forget them; what was booked stays booked."""
    op.drop_table("referral")
    op.drop_table("referral_code")
    may_change("point_entry")
    op.drop_table("point_entry")
    op.drop_table("loyalty")
    op.drop_table("loyalty_program")
