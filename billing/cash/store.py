"""Tables of cash: tills, shifts, what went through drawers, what was counted, receipts.

The database refuses every change of a shift that is closed, and of what belongs to it (triggers of
the migration). Receipts only grow.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from billing.cash.model import Receipt, ReceiptKind, Shift, ShiftState, Till
from runtime.store import Instant, metadata
from terms.ids import AccountId
from terms.money import Money

UNCLOSED = text("state <> 'closed'")

till = Table(
    "till",
    metadata,
    Column("name", String(30), primary_key=True),
    Column("place", String(120), nullable=False),
    Column("tolerance_minor", BigInteger, nullable=False),
    Column("is_retired", Boolean, nullable=False, server_default=false()),
    # How many it has had.
    Column("shifts", Integer, nullable=False, server_default="0"),
    Column("made_at", Instant, nullable=False),
    CheckConstraint("tolerance_minor >= 0", name="tolerance_minor"),
)

shift = Table(
    "shift",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("till", String(30), ForeignKey("till.name"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("cashier", String(80), nullable=False),
    Column("state", String(8), nullable=False),
    Column("opened_at", Instant, nullable=False),
    # How many went through its drawer; whoever adds one, waits here for who closes it.
    Column("entries", Integer, nullable=False),
    Column("counted_at", Instant),
    Column("counted_by", String(80), nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(80), nullable=False),
    UniqueConstraint("till", "n"),
    CheckConstraint("state IN ('open', 'counted', 'closed')", name="state"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    Index(
        "ix_shift_till_unclosed",
        "till",
        unique=True,
        sqlite_where=UNCLOSED,
        postgresql_where=UNCLOSED,
    ),
    Index(
        "ix_shift_cashier_unclosed",
        "cashier",
        unique=True,
        sqlite_where=UNCLOSED,
        postgresql_where=UNCLOSED,
    ),
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    # The movement of a payment, or the refund.
    Column("cause_id", String(26), nullable=False, unique=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reference", String(100), nullable=False),
    Column("cashier", String(80), nullable=False),
    # Empty where there are no tills.
    Column("shift_id", String(26), ForeignKey("shift.id")),
    Column("issued_on", Date, nullable=False),
    Column("issued_at", Instant, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    CheckConstraint("kind IN ('payment', 'refund')", name="kind"),
    Index(None, "account_id"),
    Index(None, "shift_id"),
)

# Each time it was printed: the first is the original, all others are copies.
receipt_print = Table(
    "receipt_print",
    metadata,
    Column("receipt_id", String(26), ForeignKey("receipt.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("printed_by", String(80), nullable=False),
    Column("printed_at", Instant, nullable=False),
)

drawer_entry = Table(
    "drawer_entry",
    metadata,
    Column("shift_id", String(26), ForeignKey("shift.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    # More than nothing went in.
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("receipt_id", String(26), ForeignKey("receipt.id"), unique=True),
    Column("reason", String(254), nullable=False),
    Column("done_by", String(80), nullable=False),
    Column("done_at", Instant, nullable=False),
    CheckConstraint(
        "CASE WHEN kind IN ('given', 'paid_out') THEN amount_minor < 0 ELSE amount_minor > 0 END",
        name="amount_minor",
    ),
    CheckConstraint("(kind IN ('taken', 'given')) = (receipt_id IS NOT NULL)", name="receipt_id"),
    CheckConstraint("kind IN ('float', 'taken', 'given', 'paid_in', 'paid_out')", name="kind"),
)

shift_count = Table(
    "shift_count",
    metadata,
    Column("shift_id", String(26), ForeignKey("shift.id"), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("expected_minor", BigInteger, nullable=False),
    Column("counted_minor", BigInteger, nullable=False),
    CheckConstraint("counted_minor >= 0", name="counted_minor"),
)


def till_from(row: Any) -> Till:
    """Read a row of the table of tills."""
    return Till(
        name=row.name,
        place=row.place,
        tolerance_minor=row.tolerance_minor,
        is_retired=row.is_retired,
    )


def shift_from(row: Any) -> Shift:
    """Read a row of the table of shifts."""
    return Shift(
        id=row.id,
        till=row.till,
        n=row.n,
        cashier=row.cashier,
        state=ShiftState(row.state),
        opened_at=row.opened_at,
        entries=row.entries,
        counted_at=row.counted_at,
        counted_by=row.counted_by,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )


def receipt_from(row: Any) -> Receipt:
    """Read a row of the table of receipts."""
    return Receipt(
        number=row.number,
        kind=ReceiptKind(row.kind),
        account=AccountId(row.account_id),
        amount=Money(row.amount_minor, row.currency),
        reference=row.reference,
        cashier=row.cashier,
        shift=row.shift_id or "",
        issued_on=row.issued_on,
        issued_at=row.issued_at,
    )
