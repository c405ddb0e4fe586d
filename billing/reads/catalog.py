"""What is published: codes to check names against, offerings with their prices, the
ladder, when rentals begin, what tax is rounded for, which promises may be made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billing.catalog import store as catalog
from billing.catalog.model import Offering, Price
from billing.dunning import store as dunning
from billing.dunning.model import Ladder
from billing.equipment import store as equipment
from billing.equipment.model import Starts
from billing.promises import store as promises
from billing.promises.model import PromisePolicy
from billing.tax import store as tax
from billing.tax.levels import Level
from runtime.store import Tx


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


async def ladder(tx: Tx) -> Ladder:
    """Show the dunning ladder."""
    return await dunning.load_ladder(tx)


async def rental_starts(tx: Tx) -> Starts:
    """Tell when rentals begin."""
    return await equipment.load_starts(tx)


async def tax_level(tx: Tx) -> Level:
    """Tell what tax is rounded once for."""
    return await tax.load_level(tx)


async def promise_policy(tx: Tx) -> PromisePolicy:
    """Tell which promises may be made."""
    return await promises.load_policy(tx)
