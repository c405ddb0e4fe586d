"""What may be bought once, as a household sees it before it buys: the price with its tax. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.catalog.model import Offering, OfferingKind, PriceBook
from billing.catalog.terms import Billed, SalesChannel
from billing.catalog.window import Window
from billing.tax.assessment import Assessor, Taxable, Where
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A one-off at what it costs today with its tax, how it is billed, how long it is watched."""

    code: str
    name: str
    price: Money
    billed: Billed
    window: Window | None


def on_sale(
    book: PriceBook,
    currency: str,
    today: date,
    now: datetime,
    *,
    channel: SalesChannel,
    words: str = "",
) -> list[Offering]:
    """List the one-offs that a channel sells now, those with some words in their name, by name.

    Staff sells all of them. `today` is the household's.
    """
    wanted = words.casefold().split()
    found = (
        one
        for one in book.offerings.values()
        if one.kind is OfferingKind.ONE_OFF
        and (one.is_self_service or channel is SalesChannel.STAFF)
        and all(word in one.name.casefold() for word in wanted)
        and not (one.terms.window and one.terms.window.is_over(now))
        and any(price.effective_from <= today for price in book.prices_of(one.code, currency))
    )
    return sorted(found, key=lambda one: (one.name.casefold(), one.code))


def offer(one: Offering, book: PriceBook, taxes: Assessor, where: Where) -> Offer:
    """Say what a one-off costs a household. Raises NotFound where it has no price."""
    price = book.price_on(one.code, where.currency, where.day)
    taxable = Taxable(one.tax, price.amount.amount_minor, price.included)
    return Offer(
        code=one.code,
        name=one.name,
        price=taxes.gross(taxable, where),
        billed=one.terms.billed,
        window=one.terms.window,
    )
