"""Rentals end with a reason and hold a deposit; what is given back is a credit note."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

GROW_ONLY = ("credit_note", "credit_line")
ID = sa.String(26)
LONG_ID = sa.String(40)
MINOR = sa.BigInteger


def upgrade() -> None:
    """Widen prices and rentals, make the credit notes, let them pay invoices."""
    for column in ("deposit_minor", "lost_fee_minor"):
        op.add_column("price", sa.Column(column, MINOR, nullable=False, server_default="0"))
    _rentals()
    _credit_notes()
    for table in GROW_ONLY:
        only_grows(table)
    _let_pay("payer_id")
    refuse_replacing("allocation", "credit_note", "credit_line")


def downgrade() -> None:
    """Forget it again."""
    for table in reversed(GROW_ONLY):
        may_change(table)
        op.drop_table(table)
    _let_pay("movement_id")
    refuse_replacing("allocation")
    for table in ("rental_policy", "possession_heard"):
        op.drop_table(table)
    op.drop_column("rental", "kept_minor")
    op.drop_column("rental", "ending")
    op.add_column("rental", sa.Column("ended_by", LONG_ID))
    op.create_index("ix_rental_ended_by", "rental", ["ended_by"])
    for column in ("lost_fee_minor", "deposit_minor"):
        op.drop_column("price", column)


def _rentals() -> None:
    """Nothing follows from rentals that have ended by now: they get no `ending`."""
    op.drop_index("ix_rental_ended_by", "rental")
    op.drop_column("rental", "ended_by")
    op.add_column("rental", sa.Column("ending", sa.String(16)))
    op.add_column("rental", sa.Column("kept_minor", MINOR))
    op.create_table("possession_heard", sa.Column("id", LONG_ID, primary_key=True))
    # Of the facts heard so far those that began a rental are known by its id.
    op.execute("INSERT INTO possession_heard (id) SELECT id FROM rental")
    op.create_table(
        "rental_policy",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("starts", sa.String(16), nullable=False),
    )


def _credit_notes() -> None:
    op.create_table(
        "credit_note",
        sa.Column("id", ID, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("number", LONG_ID, nullable=False, unique=True),
        sa.Column("account_id", ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("net_minor", MINOR, nullable=False),
        sa.Column("tax_minor", MINOR, nullable=False),
        sa.Column("total_minor", MINOR, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name="total_minor"),
    )
    op.create_index("ix_credit_note_account_id_sequence", "credit_note", ["account_id", "sequence"])
    op.create_table(
        "credit_line",
        sa.Column("note_id", ID, sa.ForeignKey("credit_note.id"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("invoice_n", sa.Integer, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("kept_minor", MINOR, nullable=False),
        sa.Column("label", sa.String(300), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id", "invoice_n"], ["invoice_line.invoice_id", "invoice_line.n"]
        ),
        sa.UniqueConstraint("invoice_id", "invoice_n"),
        sa.CheckConstraint("period_start < period_end", name="period_end"),
        sa.CheckConstraint("amount_minor >= 0", name="amount_minor"),
        sa.CheckConstraint("kept_minor >= 0", name="kept_minor"),
    )


def _let_pay(column: str) -> None:
    """Make the allocations anew: their payer is a movement alone, or a credit note too."""
    may_change("allocation")
    old = "movement_id" if column == "payer_id" else "payer_id"
    references = [sa.ForeignKey("movement.id")] if column == "movement_id" else []
    for index in ("account_id", "invoice_id"):
        op.drop_index(f"ix_allocation_{index}", "allocation")
    op.rename_table("allocation", "allocation_before")
    if not is_sqlite():
        op.execute("ALTER TABLE allocation_before DROP CONSTRAINT pk_allocation")
    op.create_table(
        "allocation",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account_id", ID, nullable=False),
        sa.Column(column, ID, *references, nullable=False),
        sa.Column("invoice_id", ID, sa.ForeignKey("invoice.id"), nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("allocated_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="amount_minor"),
    )
    rest = "id, account_id, invoice_id, amount_minor, allocated_at"
    op.execute(
        f"INSERT INTO allocation ({rest}, {column}) "  # noqa: S608 - names of ours
        f"SELECT {rest}, {old} FROM allocation_before "
        # On the way down what credit notes have paid is left behind with them.
        f"WHERE {old} IN (SELECT id FROM movement)"
    )
    op.drop_table("allocation_before")
    for index in ("account_id", "invoice_id"):
        op.create_index(f"ix_allocation_{index}", "allocation", [index])
    only_grows("allocation")
