"""A catalogue is published: offerings, prices, taxes, the ladder. What is sold stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.catalog import store as catalog
from billing.catalog.model import Offering, Price, PriceBook, changed_offerings, changed_prices
from billing.dunning import store as dunning
from billing.dunning.model import Ladder
from billing.tax import store as tax
from billing.tax.model import TaxRate, TaxTable, changed_rates
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What an operator wishes to publish; what it does not name stays.

    `zone` says which day it is for the operator. No ladder leaves the published one.
    """

    zone: str
    offerings: Sequence[Offering] = ()
    prices: Sequence[Price] = ()
    taxes: Sequence[TaxRate] = ()
    ladder: Ladder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What changed, in words. Nothing when all of it was published before."""

    changes: tuple[str, ...]


async def publish(tx: Tx, publication: Publication, now: datetime) -> Published:
    """Publish; the same again changes nothing.

    Raises Invalid for a change of what is effective, for an offering whose tax has no rate, and
    for a price without an offering.
    """
    today = local_date(now, publication.zone)
    book, table = await catalog.load(tx), await tax.load(tx)
    rates = changed_rates(table, publication.taxes, today)
    offerings = changed_offerings(book, publication.offerings)
    prices = changed_prices(book, publication.prices, today)
    _check_names(publication, book, table)
    ladder = publication.ladder
    is_same_ladder = ladder is None or ladder == await dunning.load_ladder(tx)
    if not (rates or offerings or prices) and is_same_ladder:
        return Published(changes=())
    await tax.keep(tx, rates)
    await catalog.keep(tx, offerings, prices)
    changes = [
        *(f"tax {rate.tax}: {rate.rate} from {rate.effective_from}" for rate in rates),
        *(f"offering {offering.code}: {offering.name}" for offering in offerings),
        *(f"price {p.offering}: {p.amount} from {p.effective_from}" for p in prices),
    ]
    if ladder is not None and not is_same_ladder:
        await dunning.keep_ladder(tx, ladder)
        changes.append(f"dunning: {len(ladder.steps)} steps")
    await catalog.raise_edition(tx)
    return Published(changes=tuple(changes))


def _check_names(publication: Publication, book: PriceBook, table: TaxTable) -> None:
    taxes = table.taxes | {rate.tax for rate in publication.taxes}
    codes = {*book.offerings, *(offering.code for offering in publication.offerings)}
    for offering in publication.offerings:
        if offering.tax not in taxes:
            raise Invalid(f"offerings.{offering.code}.tax", f"there is no tax {offering.tax!r}")
    for price in publication.prices:
        if price.offering not in codes:
            raise Invalid(f"prices.{price.offering}", "there is no such offering")
