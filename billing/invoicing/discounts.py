"""Table of what discounts took off invoices, and off which of their lines. Rows only grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    ScalarSelect,
    String,
    Table,
    Text,
    func,
    select,
)

from billing.invoicing.model import Invoice
from runtime.store import Tx, metadata

# One row for all lines of a period: written beside each line it cost a bill run as much as the
# lines themselves.
invoice_discount = Table(
    "invoice_discount",
    metadata,
    Column(
        "invoice_id",
        String(26),
        ForeignKey("invoice.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("redemption_id", String(26), ForeignKey("redemption.id"), primary_key=True),
    # The last day of the whole period that the lines are of, and one more.
    Column("ends_on", Date, primary_key=True),
    # Off what the lines would charge.
    Column("amount_minor", BigInteger, nullable=False),
    # The lines that bear it, as the parts that they have of it: [[n, off, amount], ...].
    Column("parts", Text, nullable=False),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
    Index(None, "redemption_id", "ends_on"),
)
_COLUMNS = ("invoice_id", "redemption_id", "ends_on", "amount_minor", "parts")


class Part(NamedTuple):
    """What is taken off line `n`: off the rate of the whole period, and of this off what it would
    charge; both in minor units.
    """

    n: int
    off_minor: int
    amount_minor: int


def parts_from(text: str) -> list[Part]:
    """Read which lines bear a discount, in the order of the lines."""
    return [Part(*each) for each in orjson.loads(text)]


def periods_of(redeemed: Column[str]) -> ScalarSelect[int]:
    """Count the whole periods that have borne a redemption."""
    c = invoice_discount.c
    mine = select(func.count(c.ends_on.distinct())).where(c.redemption_id == redeemed)
    return mine.scalar_subquery()


async def write(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Write what was taken off documents that are written already."""
    await tx.insert_rows(
        invoice_discount, _COLUMNS, [row for one in invoices for row in _rows(one)]
    )


def _rows(one: Invoice) -> Iterator[tuple[object, ...]]:
    found: dict[tuple[str, object], list[Part]] = {}
    for n, line in enumerate(one.lines, 1):
        for off in line.offs:
            part = Part(n, off.off_minor, off.amount_minor)
            found.setdefault((off.redemption, off.ends_on), []).append(part)
    for (redemption, ends_on), parts in found.items():
        amount_minor = sum(part.amount_minor for part in parts)
        yield one.id, redemption, ends_on, amount_minor, _encoded(parts)


def _encoded(parts: Sequence[Part]) -> str:
    return orjson.dumps([tuple(part) for part in parts]).decode()
