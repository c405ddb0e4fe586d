"""What is published: codes to check names against, offerings with their prices, who sells,
segments of dunning, when rentals begin, what tax is rounded for, which promises may be made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from billing.accounts.store import account, service
from billing.billdays import store as billdays
from billing.catalog import store as catalog
from billing.catalog.document import Document, Version, written
from billing.catalog.model import Offering, Price, PriceBook
from billing.dunning import braking
from billing.dunning import store as dunning
from billing.dunning.brake import Brake
from billing.dunning.segment import Segments
from billing.equipment import store as equipment
from billing.equipment.model import Starts
from billing.equipment.store import rental
from billing.loyalty import document as loyalty_document
from billing.loyalty import store as loyalty
from billing.promises import store as promises
from billing.promises.model import PromisePolicy
from billing.promotions import document as promotions_document
from billing.promotions import store as promotions
from billing.sellers import store as seller_store
from billing.sellers.model import Sellers
from billing.subscriptions.store import subscription
from billing.tax import store as tax
from billing.tax.levels import Level
from billing.tax.model import TaxTable
from runtime.store import Tx
from terms.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Names that may be used: offerings with their kind, those with a price, taxes at home, where
    taxes are raised, grants.
    """

    offerings: Mapping[str, str]
    priced: frozenset[str]
    taxes: frozenset[str]
    jurisdictions: frozenset[str]
    grants: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingView:
    """An offering with all its prices, the oldest first."""

    offering: Offering
    prices: Sequence[Price]


async def codes(tx: Tx) -> Codes:
    """List every name of the catalogue."""
    book, table = await catalog.load(tx), await tax.load(tx)
    offerings = book.offerings.values()
    return Codes(
        offerings={offering.code: offering.kind.value for offering in offerings},
        priced=frozenset(offering.code for offering in offerings if book.all_prices(offering.code)),
        taxes=table.taxes,
        jurisdictions=table.jurisdictions,
        grants=frozenset(code for offering in offerings for code in offering.grants),
    )


async def offerings(tx: Tx) -> list[OfferingView]:
    """List what is sold, by code."""
    book = await catalog.load(tx)
    return [
        OfferingView(offering=one, prices=book.all_prices(one.code))
        for one in sorted(book.offerings.values(), key=lambda one: one.code)
    ]


async def book(tx: Tx) -> PriceBook:
    """Load all offerings and prices."""
    return await catalog.load(tx)


async def rates(tx: Tx) -> TaxTable:
    """Load all rates of taxes."""
    return await tax.load(tx)


async def sellers(tx: Tx) -> Sellers:
    """Load who sells, from which day on."""
    return await seller_store.load(tx)


async def edition(tx: Tx) -> int:
    """Tell the number of the last publication."""
    return await catalog.edition(tx)


async def document(tx: Tx) -> Document:
    """Write what is published as a document."""
    return {
        **written(await catalog.load(tx), await tax.load(tx)),
        **promotions_document.written((await promotions.load(tx)).values()),
        **loyalty_document.written(await loyalty.load_program(tx)),
    }


async def versions(tx: Tx, *, limit: int | None = None, behind: int | None = None) -> list[Version]:
    """List publications, all unless said, those behind an edition; the newest first."""
    return await catalog.versions(tx, limit=limit, behind=behind)


async def version(tx: Tx, edition_or_name: str) -> Version:
    """Find a publication by the number of its edition or by its name. Raises NotFound."""
    for one in await catalog.versions(tx):
        if edition_or_name in (str(one.edition), one.name):
            return one
    raise NotFound(
        f"no version {edition_or_name!r} of the catalogue is remembered", field="version"
    )


async def held(tx: Tx) -> Mapping[tuple[str, str], int]:
    """Count the households that have each offering and are not to lose it, by currency."""
    homes = service.join(account, account.c.id == service.c.account_id)
    counts: dict[tuple[str, str], int] = {}
    for one in (subscription, rental):
        c = one.c
        joined = homes.join(one, c.service_id == service.c.id)
        query = (
            select(c.offering, account.c.currency, func.count(c.service_id.distinct()).label("n"))
            .select_from(joined)
            .where(c.until_on.is_(None))
            .group_by(c.offering, account.c.currency)
        )
        for row in await tx.rows(query):
            counts[row.offering, row.currency] = row.n
    return counts


async def segments(tx: Tx) -> Segments:
    """Show what follows from debts, by segment."""
    return await dunning.load_segments(tx)


async def rental_starts(tx: Tx) -> Starts:
    """Tell when rentals begin."""
    return await equipment.load_starts(tx)


async def preview_days(tx: Tx) -> int:
    """Tell how many days a bill day waits for a person."""
    return (await billdays.load_gate(tx)).window_days


async def tax_level(tx: Tx) -> Level:
    """Tell what tax is rounded once for."""
    return await tax.load_level(tx)


async def brake(tx: Tx) -> Brake | None:
    """Read how the brake of dunning stands."""
    return await braking.load(tx)


async def promise_policy(tx: Tx) -> PromisePolicy:
    """Tell which promises may be made."""
    return await promises.load_policy(tx)
