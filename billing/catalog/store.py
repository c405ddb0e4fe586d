"""Tables and SQL of the catalogue. `edition` rises with every publication."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

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
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from billing.catalog.document import Document, Version
from billing.catalog.model import Offering, OfferingKind, Price, PriceBook
from billing.catalog.terms import Terms
from billing.catalog.tiers import read_tiers, write_tiers
from billing.catalog.usage_price import UsagePrice
from billing.tax.levels import Inclusive
from runtime.store import Instant, Tx, metadata
from runtime.store.prepared import PreparedQuery
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
    # From a count on, another amount: "2=24.90;3=29.90"; and the amount in a bundle.
    Column("tiers", String(400), nullable=False, server_default=text("''")),
    Column("bundled_minor", BigInteger),
    # What its household spends in a period at least.
    Column("minimum_minor", BigInteger, nullable=False, server_default="0"),
    # How it is taken apart where it includes tax; empty where it does not.
    Column("included", String(16), nullable=False, server_default=text("''")),
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


catalog_version = Table(
    "catalog_version",
    metadata,
    Column("edition", Integer, primary_key=True),
    # What people call it; empty where nobody did.
    Column("name", String(40), nullable=False),
    Column("published_at", Instant, nullable=False),
    # The whole catalogue as it was from then on: a document of tables.
    Column("document", Text, nullable=False),
)

_STILL = "UPDATE catalog_edition SET edition = edition WHERE id = 1 AND edition = ?1"


async def edition(tx: Tx) -> int:
    """Return the number of the last publication; 0 before the first."""
    found = await _EDITION.rows(tx, {})
    return int(found[0].edition) if found else 0


_EDITION = PreparedQuery(
    lambda _engine: select(catalog_edition.c.edition).where(catalog_edition.c.id == 1)
)


async def raise_edition(tx: Tx) -> int:
    """Tell every process that the catalogue is another one now; returns its number."""
    engine = sqlite if tx.engine == "sqlite" else postgresql
    first = engine.insert(catalog_edition).values(id=1, edition=1)
    raised = {"edition": catalog_edition.c.edition + 1}
    command = first.on_conflict_do_update(index_elements=["id"], set_=raised)
    return int(await tx.scalar(command.returning(catalog_edition.c.edition)))


async def keep_version(tx: Tx, version: Version) -> None:
    """Remember a publication for good."""
    row = {
        "edition": version.edition,
        "name": version.name,
        "published_at": version.published_at,
        "document": json.dumps(version.document, ensure_ascii=False, sort_keys=True),
    }
    await tx.insert(catalog_version, [row])


async def document_before(tx: Tx, at: datetime) -> Document | None:
    """Return the catalogue as it was at an instant, where another was published since."""
    c = catalog_version.c
    since = select(func.max(c.published_at)).scalar_subquery() > at
    query = select(c.document).where(c.published_at <= at, since).order_by(c.edition.desc())
    found = await tx.scalar(query.limit(1))
    return None if found is None else dict(json.loads(found))


async def versions(tx: Tx, *, limit: int | None = None, behind: int | None = None) -> list[Version]:
    """List publications, all unless said, those behind an edition; the newest first."""
    c = catalog_version.c
    query = select(catalog_version).order_by(c.edition.desc()).limit(limit)
    if behind is not None:
        query = query.where(c.edition < behind)
    return [
        Version(
            edition=row.edition,
            name=row.name,
            published_at=row.published_at,
            document=json.loads(row.document),
        )
        for row in await tx.rows(query)
    ]


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
            included=Inclusive(row.included) if row.included else None,
            tiers=read_tiers(row.tiers, row.currency) if row.tiers else (),
            bundled_minor=row.bundled_minor,
            minimum_minor=row.minimum_minor,
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
            "included": p.included.value if p.included else "",
            "tiers": write_tiers(p.tiers, p.amount.currency),
            "bundled_minor": p.bundled_minor,
            "minimum_minor": p.minimum_minor,
            "usage": str(p.usage) if p.usage else None,
        }
        for p in prices
    ]
    await tx.upsert(price, amounts, key=("offering", "currency", "effective_from"))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()
