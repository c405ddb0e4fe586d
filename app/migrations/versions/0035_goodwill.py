"""What a person gives back of a line for no days of it is a credit beside those of its days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

BY_DAY = ["invoice_id", "invoice_n", "period_start"]
BY_DAY_BEFORE = "uq_credit_line_invoice_id_invoice_n_period_start"
IS_OF_DAYS = sa.text("goodwill_id IS NULL")


def upgrade() -> None:
    """Make the table; let a credit line be of goodwill, which no day makes unique."""
    op.create_table(
        "goodwill",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("reference", sa.String(100), nullable=False),
        sa.Column("invoice_id", sa.String(26), nullable=False),
        sa.Column("invoice_n", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("percent_ppm", sa.Integer),
        sa.Column("reason", sa.String(254), nullable=False),
        sa.Column("given_by", sa.String(80), nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id", "invoice_n"], ["invoice_line.invoice_id", "invoice_line.n"]
        ),
        sa.UniqueConstraint("account_id", "reference"),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    only_grows("goodwill")
    refuse_replacing("goodwill")
    _thaw()
    with op.batch_alter_table("credit_line") as table:
        table.drop_constraint(BY_DAY_BEFORE, type_="unique")
        table.add_column(sa.Column("goodwill_id", sa.String(26)))
        table.create_foreign_key(
            op.f("fk_credit_line_goodwill_id_goodwill"), "goodwill", ["goodwill_id"], ["id"]
        )
        table.create_unique_constraint(op.f("uq_credit_line_goodwill_id"), ["goodwill_id"])
    op.create_index(
        "uq_credit_line_day",
        "credit_line",
        BY_DAY,
        unique=True,
        sqlite_where=IS_OF_DAYS,
        postgresql_where=IS_OF_DAYS,
    )
    _freeze()


def _thaw() -> None:
    may_change("credit_line")
    if is_sqlite():
        op.execute("DROP TRIGGER credit_line_no_replace")


def _freeze() -> None:
    only_grows("credit_line")
    refuse_replacing("credit_line")


def downgrade() -> None:
    """Forget why it was given; fails where a line was given goodwill more than once."""
    _thaw()
    op.drop_index("uq_credit_line_day", "credit_line")
    with op.batch_alter_table("credit_line") as table:
        table.drop_constraint(op.f("uq_credit_line_goodwill_id"), type_="unique")
        table.drop_constraint(op.f("fk_credit_line_goodwill_id_goodwill"), type_="foreignkey")
        table.drop_column("goodwill_id")
        table.create_unique_constraint(BY_DAY_BEFORE, BY_DAY)
    _freeze()
    may_change("goodwill")
    op.drop_table("goodwill")
