"""Lines say how they were measured; each day of a line may be given back; the past is reopened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

GROW_ONLY = ("invoice_line", "credit_line")
CREDITED_ONCE = "uq_credit_line_invoice_id_invoice_n"
CREDITED_BY_DAY = "uq_credit_line_invoice_id_invoice_n_period_start"
KNOWN_BY_START = "uq_invoice_line_subject_kind_period_start"
KNOWN_BY_END = "uq_invoice_line_subject_kind_period_end_take"


def upgrade() -> None:
    """Widen the lines, replace what was open by what is reopened."""
    for name in GROW_ONLY:
        _thaw(name)
    with op.batch_alter_table("invoice_line") as table:
        table.drop_constraint(KNOWN_BY_START, type_="unique")
        table.drop_constraint(op.f("ck_invoice_line_days"), type_="check")
        table.alter_column("days", new_column_name="units")
        table.alter_column("of_days", new_column_name="of_units")
        table.add_column(_counted("units_before", "0"))
        table.add_column(_counted("take", "0"))
        table.add_column(_counted("quantity", "1"))
        table.add_column(sa.Column("measure", sa.String(8), nullable=False, server_default="day"))
    with op.batch_alter_table("invoice_line") as table:
        for column in ("units_before", "take", "quantity", "measure"):
            table.alter_column(column, server_default=None)
        table.create_unique_constraint(
            KNOWN_BY_END,
            ["subject", "kind", "period_end", "take"],
        )
        table.create_check_constraint("units", "units > 0 AND units_before >= 0")
        table.create_check_constraint("of_units", "units_before + units <= of_units")
    with op.batch_alter_table("credit_line") as table:
        table.drop_constraint(CREDITED_ONCE, type_="unique")
        table.create_unique_constraint(
            CREDITED_BY_DAY,
            ["invoice_id", "invoice_n", "period_start"],
        )
    for name in GROW_ONLY:
        _freeze(name)
    op.drop_table("open_period")
    op.create_table(
        "reopened",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
    )
    op.create_index("ix_reopened_subject", "reopened", ["subject"])
    op.add_column("offering", sa.Column("terms", sa.Text, nullable=False, server_default="{}"))


def _counted(name: str, before: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=before)


def _thaw(table: str) -> None:
    may_change(table)
    if is_sqlite():
        op.execute(f"DROP TRIGGER {table}_no_replace")


def _freeze(table: str) -> None:
    only_grows(table)
    refuse_replacing(table)


def downgrade() -> None:
    """Count days alone; everything is open again from its first day."""
    with op.batch_alter_table("offering") as table:
        table.drop_column("terms")
    op.drop_table("reopened")
    op.create_table(
        "open_period",
        sa.Column("subject", sa.String(40), primary_key=True),
        sa.Column("open_from", sa.Date, nullable=False),
    )
    for name in GROW_ONLY:
        _thaw(name)
    with op.batch_alter_table("credit_line") as table:
        table.drop_constraint(CREDITED_BY_DAY, type_="unique")
        table.create_unique_constraint(CREDITED_ONCE, ["invoice_id", "invoice_n"])
    with op.batch_alter_table("invoice_line") as table:
        table.drop_constraint(KNOWN_BY_END, type_="unique")
        table.drop_constraint(op.f("ck_invoice_line_units"), type_="check")
        table.drop_constraint(op.f("ck_invoice_line_of_units"), type_="check")
        for column in ("units_before", "take", "quantity", "measure"):
            table.drop_column(column)
        table.alter_column("units", new_column_name="days")
        table.alter_column("of_units", new_column_name="of_days")
    with op.batch_alter_table("invoice_line") as table:
        table.create_unique_constraint(KNOWN_BY_START, ["subject", "kind", "period_start"])
        table.create_check_constraint("days", "days BETWEEN 1 AND of_days")
    for name in GROW_ONLY:
        _freeze(name)
