"""Tills, shifts and receipts; what belongs to a closed shift stays as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.seals import refuse_replacing
from app.migrations.triggers import is_sqlite, may_change, only_grows

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

UNCLOSED = sa.text("state <> 'closed'")
GROWING = ("receipt", "receipt_print", "drawer_entry")
WHY = "a closed shift does not change"
# When each event on a table is refused, on SQLite; PostgreSQL has one function for a table.
_CLOSED = "EXISTS (SELECT 1 FROM shift WHERE id = {0}.shift_id AND state = 'closed')"
_NOT_OPEN = "EXISTS (SELECT 1 FROM shift WHERE id = {0}.shift_id AND state <> 'open')"
GUARDS = {
    "shift": {"UPDATE": "OLD.state = 'closed'", "DELETE": "OLD.state = 'closed'"},
    "shift_count": {
        "INSERT": _CLOSED.format("NEW"),
        "UPDATE": _CLOSED.format("OLD"),
        "DELETE": _CLOSED.format("OLD"),
    },
    "drawer_entry": {"INSERT": _NOT_OPEN.format("NEW")},
}


def upgrade() -> None:
    """Make the tables and their guards."""
    op.create_table(
        "till",
        sa.Column("name", sa.String(30), primary_key=True),
        sa.Column("place", sa.String(120), nullable=False),
        sa.Column("tolerance_minor", sa.BigInteger, nullable=False),
        sa.Column("is_retired", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("shifts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("tolerance_minor >= 0", name="tolerance_minor"),
    )
    _shifts()
    _receipts()
    op.create_table(
        "shift_count",
        sa.Column("shift_id", sa.String(26), sa.ForeignKey("shift.id"), primary_key=True),
        sa.Column("currency", sa.String(3), primary_key=True),
        sa.Column("expected_minor", sa.BigInteger, nullable=False),
        sa.Column("counted_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("counted_minor >= 0", name="counted_minor"),
    )
    for table in GROWING:
        only_grows(table)
        refuse_replacing(table)
    for table, events in GUARDS.items():
        _guard(table, events)


def _shifts() -> None:
    op.create_table(
        "shift",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("till", sa.String(30), sa.ForeignKey("till.name"), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("cashier", sa.String(80), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("counted_at", sa.BigInteger),
        sa.Column("counted_by", sa.String(80), nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("closed_by", sa.String(80), nullable=False),
        sa.UniqueConstraint("till", "n"),
        sa.CheckConstraint("state IN ('open', 'counted', 'closed')", name="state"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    )
    for column in ("till", "cashier"):
        op.create_index(
            f"ix_shift_{column}_unclosed",
            "shift",
            [column],
            unique=True,
            sqlite_where=UNCLOSED,
            postgresql_where=UNCLOSED,
        )


def _receipts() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("number", sa.String(20), nullable=False, unique=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("account_id", sa.String(26), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("cause_id", sa.String(26), nullable=False, unique=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reference", sa.String(100), nullable=False),
        sa.Column("cashier", sa.String(80), nullable=False),
        sa.Column("shift_id", sa.String(26), sa.ForeignKey("shift.id")),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount_minor"),
        sa.CheckConstraint("kind IN ('payment', 'refund')", name="kind"),
    )
    for column in ("account_id", "shift_id"):
        op.create_index(op.f(f"ix_receipt_{column}"), "receipt", [column])
    op.create_table(
        "receipt_print",
        sa.Column("receipt_id", sa.String(26), sa.ForeignKey("receipt.id"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("printed_by", sa.String(80), nullable=False),
        sa.Column("printed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "drawer_entry",
        sa.Column("shift_id", sa.String(26), sa.ForeignKey("shift.id"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("receipt_id", sa.String(26), sa.ForeignKey("receipt.id"), unique=True),
        sa.Column("reason", sa.String(254), nullable=False),
        sa.Column("done_by", sa.String(80), nullable=False),
        sa.Column("done_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "CASE WHEN kind IN ('given', 'paid_out') THEN amount_minor < 0"
            " ELSE amount_minor > 0 END",
            name="amount_minor",
        ),
        sa.CheckConstraint(
            "(kind IN ('taken', 'given')) = (receipt_id IS NOT NULL)", name="receipt_id"
        ),
        sa.CheckConstraint(
            "kind IN ('float', 'taken', 'given', 'paid_in', 'paid_out')", name="kind"
        ),
    )


def _guard(table: str, events: dict[str, str]) -> None:
    """Refuse events on a table, as twins."""
    if is_sqlite():
        for event, when in events.items():
            op.execute(
                f"CREATE TRIGGER {table}_closed_{event.lower()} BEFORE {event} ON {table} "
                f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
            )
        return
    wrong = " ".join(
        f"IF TG_OP = '{event}' AND {when} THEN "
        f"RAISE EXCEPTION '{WHY}' USING ERRCODE = 'check_violation'; END IF;"
        for event, when in events.items()
    )
    op.execute(
        f"CREATE FUNCTION {table}_closed() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {wrong} IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_closed BEFORE {' OR '.join(events)} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_closed()"
    )


def downgrade() -> None:
    """Forget tills and receipts; the movements and postings that follow from them stay."""
    for table in GROWING:
        may_change(table)
    for table in ("shift_count", "drawer_entry", "receipt_print", "receipt", "shift", "till"):
        op.drop_table(table)
    for table in () if is_sqlite() else GUARDS:
        op.execute(f"DROP FUNCTION {table}_closed()")
