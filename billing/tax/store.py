"""Table and SQL of tax rates."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, Column, Date, Integer, String, Table, select

from billing.tax.model import TaxRate, TaxTable
from runtime.store import Tx, metadata
from terms.money import Rate

tax_rate = Table(
    "tax_rate",
    metadata,
    Column("tax", String(40), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("ppm", Integer, nullable=False),
    CheckConstraint("ppm >= 0", name="ppm"),
)


async def load(tx: Tx) -> TaxTable:
    """All rates."""
    return TaxTable.of(
        TaxRate(tax=row.tax, effective_from=row.effective_from, rate=Rate(row.ppm))
        for row in await tx.rows(select(tax_rate))
    )


async def keep(tx: Tx, rates: Sequence[TaxRate]) -> None:
    """Write rates, new or changed."""
    rows = [
        {"tax": rate.tax, "effective_from": rate.effective_from, "ppm": rate.rate.ppm}
        for rate in rates
    ]
    await tx.upsert(tax_rate, rows, key=("tax", "effective_from"))
