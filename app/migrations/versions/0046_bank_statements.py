"""Statements of banks, the lines of them and where the money of each lies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import may_change, only_grows

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

WAITS = sa.text("state IN ('review', 'suspense')")


def upgrade() -> None:
    """Make the tables; what a statement says, and what went to whom, only grows."""
    op.create_table(
        "bank_statement",
        sa.Column("account", sa.String(34), primary_key=True),
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("opening_minor", sa.BigInteger, nullable=False),
        sa.Column("closing_minor", sa.BigInteger, nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("closed_on", sa.Date, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("content", sa.String(40), nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
    )
    _entries()
    op.create_table(
        "bank_part",
        sa.Column("entry_id", sa.String(26), sa.ForeignKey("bank_entry.id"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
    )
    op.create_index(op.f("ix_bank_part_account_id"), "bank_part", ["account_id"])
    op.create_table(
        "bank_payer",
        sa.Column("iban", sa.String(140), primary_key=True),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), primary_key=True),
        sa.Column("confirmed_at", sa.BigInteger, nullable=False),
    )
    for table in ("bank_statement", "bank_part"):
        only_grows(table)
        refuse_replacing(table)


def _entries() -> None:
    op.create_table(
        "bank_entry",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("line_key", sa.String(40), nullable=False, unique=True),
        sa.Column("account", sa.String(34), nullable=False),
        sa.Column("statement", sa.String(80), nullable=False),
        sa.Column("place", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("booked_on", sa.Date, nullable=False),
        sa.Column("value_on", sa.Date, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("ref", sa.String(140), nullable=False),
        sa.Column("end_to_end", sa.String(140), nullable=False),
        sa.Column("structured", sa.String(140), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("name", sa.String(140), nullable=False),
        sa.Column("iban", sa.String(140), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("why", sa.String(12), nullable=False),
        sa.Column("of_id", sa.String(26)),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="amount_minor"),
    )
    for column in ("end_to_end", "ref", "of_id"):
        op.create_index(op.f(f"ix_bank_entry_{column}"), "bank_entry", [column])
    op.create_index(
        "ix_bank_entry_waiting", "bank_entry", ["id"], sqlite_where=WAITS, postgresql_where=WAITS
    )


def downgrade() -> None:
    """Forget what banks said; the movements and postings that follow from it stay."""
    for table in ("bank_part", "bank_statement"):
        may_change(table)
    for table in ("bank_payer", "bank_part", "bank_entry", "bank_statement"):
        op.drop_table(table)
