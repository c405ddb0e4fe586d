"""Promotions, who has them, and what they take off lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_OFF = "off_minor = 0 OR (off_minor > 0 AND off_minor <= rate_minor)"


def upgrade() -> None:
    """Create their tables; a line says what is off its rate, an account that it has any."""
    op.create_table(
        "promotion",
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("percent_ppm", sa.Integer),
        sa.Column("amount_minor", sa.BigInteger),
        sa.Column("currency", sa.String(3)),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("limited_to", sa.Text, nullable=False),
        sa.Column("periods_max", sa.Integer),
        sa.Column("ends_on", sa.Date),
        sa.Column("group", sa.String(40), nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("until_on", sa.Date),
        sa.Column("redeem_max", sa.Integer),
        sa.Column("account_max", sa.Integer, nullable=False),
        sa.Column("ahead", sa.Integer),
        sa.Column("redeemed", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("(percent_ppm IS NULL) <> (amount_minor IS NULL)", name="percent_ppm"),
        sa.CheckConstraint("redeem_max IS NULL OR redeemed <= redeem_max", name="redeem_max"),
    )
    op.create_table(
        "redemption",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("promotion", sa.String(40), sa.ForeignKey("promotion.code"), nullable=False),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("until_on", sa.Date),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("redeemed_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("promotion", "account_id", "n"),
        sa.CheckConstraint("n > 0", name="n"),
    )
    op.create_index("ix_redemption_account_id", "redemption", ["account_id"])
    op.add_column("account", sa.Column("perks", sa.Integer, nullable=False, server_default="0"))
    _thaw()
    with op.batch_alter_table("invoice_line") as table:
        table.add_column(sa.Column("off_minor", sa.BigInteger, nullable=False, server_default="0"))
        table.create_check_constraint("off_minor", _OFF)
    _freeze()
    op.create_table(
        "line_discount",
        sa.Column("invoice_id", sa.String(26), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("redemption_id", sa.String(26), sa.ForeignKey("redemption.id"), primary_key=True),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("off_minor", sa.BigInteger, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["invoice_id", "n"], ["invoice_line.invoice_id", "invoice_line.n"]),
        sa.CheckConstraint("off_minor > 0", name="off_minor"),
        sa.CheckConstraint("amount_minor >= 0", name="amount_minor"),
    )
    op.create_index(
        "ix_line_discount_redemption_id_ends_on", "line_discount", ["redemption_id", "ends_on"]
    )
    only_grows("line_discount")
    refuse_replacing("line_discount")


def _thaw() -> None:
    may_change("invoice_line")
    if is_sqlite():
        op.execute("DROP TRIGGER invoice_line_no_replace")


def _freeze() -> None:
    only_grows("invoice_line")
    refuse_replacing("invoice_line")


def downgrade() -> None:
    """Forget them; what was charged stays as it was charged."""
    may_change("line_discount")
    op.drop_table("line_discount")
    _thaw()
    with op.batch_alter_table("invoice_line") as table:
        table.drop_constraint(op.f("ck_invoice_line_off_minor"), type_="check")
        table.drop_column("off_minor")
    _freeze()
    with op.batch_alter_table("account") as table:
        table.drop_column("perks")
    op.drop_table("redemption")
    op.drop_table("promotion")
