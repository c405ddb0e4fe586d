"""Tables and SQL of the catalogue. `edition` rises with every publication."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    select,
)

from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import Terms
from billing.catalog.usage_price import UsagePrice
from runtime.store import Tx, metadata
from terms.money import Money

SEPARATOR = "\n"  # of codes and models in one column; neither holds a control character

offering = Table(
    "offering",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(120), nullable=False),
    Column("grants", Text, nullable=False),
    Column("tax", String(40), nullable=False),
    Column("models", Text, nullable=False),
    # Those that are not as usual.
    Column("terms", Text, nullable=False, server_default="{}"),
)

price = Table(
    "price",
    metadata,
    Column("offering", String(40), ForeignKey("offering.code"), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("deposit_minor", BigInteger, nullable=False, server_default="0"),
    Column("lost_fee_minor", BigInteger, nullable=False, server_default="0"),
    # What usage costs, as text.
    Column("usage", Text),
    CheckConstraint("amount_minor >= 0", name="amount_minor"),
)

catalog_edition = Table(
    "catalog_edition",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("edition", Integer, nullable=False),
)


_STILL = "UPDATE catalog_edition SET edition = edition WHERE id = 1 AND edition = ?1"


async def edition(tx: Tx) -> int:
    """Return the number of the last publication; 0 before the first."""
    c = catalog_edition.c
    found = await tx.scalar(select(c.edition).where(c.id == 1))
    return int(found or 0)


async def raise_edition(tx: Tx) -> None:
    """Tell every process that the catalogue is another one now."""
    row = {"id": 1, "edition": await edition(tx) + 1}
    await tx.upsert(catalog_edition, [row], key=("id",))


async def insist_on(tx: Tx, known: int) -> None:
    """Have a transaction fail where another edition was published meanwhile. Raises Moved."""
    if known:
        await tx.expect(_STILL, (known,), 1)


async def load(tx: Tx) -> PriceBook:
    """All offerings and prices."""
    offerings = [
        Offering(
            code=row.code,
            kind=OfferingKind(row.kind),
            name=row.name,
            grants=_split(row.grants),
            tax=row.tax,
            models=_split(row.models),
            terms=Terms.read(json.loads(row.terms)),
        )
        for row in await tx.rows(select(offering))
    ]
    prices = [
        Price(
            offering=row.offering,
            effective_from=row.effective_from,
            amount=Money(row.amount_minor, row.currency),
            deposit_minor=row.deposit_minor,
            lost_fee_minor=row.lost_fee_minor,
            usage=UsagePrice.parse(row.usage) if row.usage else None,
        )
        for row in await tx.rows(select(price))
    ]
    return PriceBook.of(offerings, prices)


async def keep(tx: Tx, offerings: Sequence[Offering], prices: Sequence[Price]) -> None:
    """Write offerings and prices, new or changed."""
    rows = [
        {
            "code": o.code,
            "kind": o.kind.value,
            "name": o.name,
            "grants": SEPARATOR.join(o.grants),
            "tax": o.tax,
            "models": SEPARATOR.join(o.models),
            "terms": json.dumps(o.terms.unusual(), sort_keys=True),
        }
        for o in offerings
    ]
    await tx.upsert(offering, rows, key=("code",))
    amounts = [
        {
            "offering": p.offering,
            "currency": p.amount.currency,
            "effective_from": p.effective_from,
            "amount_minor": p.amount.amount_minor,
            "deposit_minor": p.deposit_minor,
            "lost_fee_minor": p.lost_fee_minor,
            "usage": str(p.usage) if p.usage else None,
        }
        for p in prices
    ]
    await tx.upsert(price, amounts, key=("offering", "currency", "effective_from"))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()
