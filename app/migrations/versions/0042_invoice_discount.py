"""What discounts take off an invoice is one row for all lines of a period."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_JOINED = {
    True: "json_group_array(json_array(n, off_minor, amount_minor))",
    False: "json_agg(json_build_array(n, off_minor, amount_minor) ORDER BY n)::text",
}
_TAKEN_APART = {
    True: (
        "json_extract(p.value, '$[0]'), redemption_id, ends_on, json_extract(p.value, '$[1]'),"
        " json_extract(p.value, '$[2]') FROM invoice_discount, json_each(parts) p"
    ),
    False: (
        "(p.value ->> 0)::int, redemption_id, ends_on, (p.value ->> 1)::bigint,"
        " (p.value ->> 2)::bigint FROM invoice_discount, json_array_elements(parts::json) p"
    ),
}


def upgrade() -> None:
    """Join what was written beside each line."""
    op.create_table(
        "invoice_discount",
        sa.Column(
            "invoice_id",
            sa.String(26),
            sa.ForeignKey("invoice.id", deferrable=True, initially="DEFERRED"),
            primary_key=True,
        ),
        sa.Column("redemption_id", sa.String(26), sa.ForeignKey("redemption.id"), primary_key=True),
        sa.Column("ends_on", sa.Date, primary_key=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="amount_minor"),
    )
    op.create_index(
        "ix_invoice_discount_redemption_id_ends_on",
        "invoice_discount",
        ["redemption_id", "ends_on"],
    )
    op.execute(
        "INSERT INTO invoice_discount (invoice_id, redemption_id, ends_on, amount_minor, parts)"  # noqa: S608 - ours
        f" SELECT invoice_id, redemption_id, ends_on, SUM(amount_minor), {_JOINED[is_sqlite()]}"
        " FROM (SELECT * FROM line_discount ORDER BY invoice_id, redemption_id, ends_on, n) d"
        " GROUP BY invoice_id, redemption_id, ends_on"
    )
    only_grows("invoice_discount")
    refuse_replacing("invoice_discount")
    may_change("line_discount")
    op.drop_table("line_discount")


def downgrade() -> None:
    """Take it apart again."""
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
    op.execute(
        "INSERT INTO line_discount (invoice_id, n, redemption_id, ends_on, off_minor, amount_minor)"
        f" SELECT invoice_id, {_TAKEN_APART[is_sqlite()]}"
    )
    op.create_index(
        "ix_line_discount_redemption_id_ends_on", "line_discount", ["redemption_id", "ends_on"]
    )
    only_grows("line_discount")
    refuse_replacing("line_discount")
    may_change("invoice_discount")
    op.drop_table("invoice_discount")
