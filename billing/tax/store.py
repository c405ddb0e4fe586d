"""Tables and SQL of tax rates and of the operator's level."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, Column, Date, Integer, String, Table, select

from billing.tax.levels import Level
from billing.tax.model import TaxRate, TaxTable
from runtime.store import Tx, metadata
from terms.money import Rate

tax_rate = Table(
    "tax_rate",
    metadata,
    Column("tax", String(40), primary_key=True),
    # ISO 3166; empty for the operator's own.
    Column("jurisdiction", String(10), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("ppm", Integer, nullable=False),
    CheckConstraint("ppm >= 0", name="ppm"),
)

tax_policy = Table(
    "tax_policy",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("level", String(16), nullable=False),
)


async def load(tx: Tx) -> TaxTable:
    """All rates."""
    return TaxTable.of(
        TaxRate(
            tax=row.tax,
            jurisdiction=row.jurisdiction,
            effective_from=row.effective_from,
            rate=Rate(row.ppm),
        )
        for row in await tx.rows(select(tax_rate))
    )


async def keep(tx: Tx, rates: Sequence[TaxRate]) -> None:
    """Write rates, new or changed."""
    rows = [
        {
            "tax": rate.tax,
            "jurisdiction": rate.jurisdiction,
            "effective_from": rate.effective_from,
            "ppm": rate.rate.ppm,
        }
        for rate in rates
    ]
    await tx.upsert(tax_rate, rows, key=("tax", "jurisdiction", "effective_from"))


async def load_level(tx: Tx) -> Level:
    """Tell what tax is rounded once for; each group of one rate where nothing was published."""
    found = await tx.scalar(select(tax_policy.c.level).where(tax_policy.c.id == 1))
    return Level(found) if found else Level.GROUP


async def keep_level(tx: Tx, level: Level) -> None:
    """Publish what tax is rounded once for."""
    await tx.upsert(tax_policy, [{"id": 1, "level": level.value}], key=("id",))
