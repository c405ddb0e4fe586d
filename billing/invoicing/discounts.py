"""Table of what discounts took off invoice lines. Rows only grow, with their lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    ScalarSelect,
    String,
    Table,
    func,
    select,
)

from billing.invoicing.model import Invoice
from runtime.store import Tx, metadata

line_discount = Table(
    "line_discount",
    metadata,
    Column("invoice_id", String(26), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("redemption_id", String(26), ForeignKey("redemption.id"), primary_key=True),
    # The last day of the whole period that the line is of, and one more: counted once, however
    # many lines are of it.
    Column("ends_on", Date, nullable=False),
    # Off the rate of the whole period, and of this off what the line would charge.
    Column("off_minor", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    ForeignKeyConstraint(["invoice_id", "n"], ["invoice_line.invoice_id", "invoice_line.n"]),
    CheckConstraint("off_minor > 0", name="off_minor"),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
    Index(None, "redemption_id", "ends_on"),
)
_COLUMNS = ("invoice_id", "n", "redemption_id", "ends_on", "off_minor", "amount_minor")


def periods_of(redeemed: Column[str]) -> ScalarSelect[int]:
    """Count the whole periods that have borne a redemption."""
    c = line_discount.c
    mine = select(func.count(c.ends_on.distinct())).where(c.redemption_id == redeemed)
    return mine.scalar_subquery()


async def write(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Write what was taken off the lines of documents that are written already."""
    await tx.insert_rows(line_discount, _COLUMNS, list(_rows(invoices)))


def _rows(invoices: Sequence[Invoice]) -> Iterator[tuple[object, ...]]:
    for one in invoices:
        for n, line in enumerate(one.lines, 1):
            for off in line.offs:
                yield one.id, n, off.redemption, off.ends_on, off.off_minor, off.amount_minor
