"""Table and SQL of who sells, from which day on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Column, Date, String, Table, Text, select

from billing.sellers.model import Seller, Sellers
from runtime.store import Tx, metadata
from runtime.store.prepared import PreparedQuery

seller = Table(
    "seller",
    metadata,
    Column("effective_from", Date, primary_key=True),
    Column("name", String(120), nullable=False),
    # Line by line.
    Column("address", Text, nullable=False),
    Column("tax_number", String(40), nullable=False),
    Column("register", String(120), nullable=False),
)


async def load(tx: Tx) -> Sellers:
    """All sellers."""
    return Sellers(
        {
            row.effective_from: Seller(
                name=row.name,
                address=tuple(row.address.split("\n")),
                tax_number=row.tax_number,
                register=row.register,
            )
            for row in await _ALL.rows(tx, {})
        }
    )


async def keep(tx: Tx, sellers: Mapping[date, Seller]) -> None:
    """Write sellers, new or changed, by the day from which each sells."""
    rows = [
        {
            "effective_from": day,
            "name": one.name,
            "address": "\n".join(one.address),
            "tax_number": one.tax_number,
            "register": one.register,
        }
        for day, one in sellers.items()
    ]
    await tx.upsert(seller, rows, key=("effective_from",))


_ALL = PreparedQuery(lambda _engine: select(seller))
