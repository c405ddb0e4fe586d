"""A household buys once, at the price it was shown: with its tax, as it is today. Audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.desk import selling
from app.wiring import House
from billing.catalog.model import Offering
from billing.catalog.terms import SalesChannel
from billing.flows.desk import Catalogue
from billing.flows.purchase import Order
from billing.purchases.offer import Offer, offer, on_sale
from billing.reads import purchases
from billing.reads.purchases import Buyer, PurchaseView
from billing.tax.assessment import Taxable, Where
from runtime.store import Tx
from terms.calendar import local_date, period_containing
from terms.errors import Invalid, NotFound
from terms.ids import ServiceId
from terms.money import Money

SOURCE = "portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Who buys, out of which catalogue, and when."""

    catalogue: Catalogue
    buyer: Buyer
    now: datetime
    today: date

    @property
    def where(self) -> Where:
        """Where what is bought today is taxed."""
        return Where(self.buyer.currency, self.today, self.buyer.jurisdiction)

    @property
    def bill_on(self) -> date:
        """The day by which what is bought today is billed."""
        return period_containing(self.today, self.buyer.bill_day).end


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A sale and what it costs with tax: as it was billed, or as it would be today."""

    sale: PurchaseView
    total: Money


async def counter(house: House, tx: Tx, service: ServiceId, zone: str) -> Counter:
    """Step to the counter for a household. Raises NotFound."""
    now = await house.clock.business_now(tx)
    today = local_date(now, zone)
    return Counter(
        catalogue=await house.desk.shelf.newest(tx),
        buyer=await purchases.buyer(tx, service, today),
        now=now,
        today=today,
    )


def offers(
    at: Counter, channel: SalesChannel, *, words: str = "", behind: str = "", limit: int
) -> list[Offer]:
    """List what a channel sells, by name, perhaps only what comes behind one of them."""
    book, taxes = at.catalogue.book, at.catalogue.taxes
    found = _on_sale(at, channel, words)
    place = next((n for n, one in enumerate(found, 1) if one.code == behind), 0)
    return [offer(one, book, taxes, at.where) for one in found[place : place + limit]]


async def bought(tx: Tx, at: Counter, *, behind: str = "", limit: int) -> Sequence[Bought]:
    """List what a household has bought, the newest first."""
    found = await purchases.of_contract(tx, at.buyer.contract, at.now, after=behind, limit=limit)
    book, sales = at.catalogue.book, []
    for one in found:
        on = local_date(one.bought_at, at.buyer.zone)
        price = book.price_on(one.offering, one.amount.currency, on)
        taxed = Taxable(book.offering(one.offering).tax, one.amount.amount_minor, price.included)
        total = one.total or at.catalogue.taxes.gross(taxed, at.where)
        sales.append(Bought(sale=one, total=total))
    return sales


async def buy(
    house: House, tx: Tx, at: Counter, code: str, *, price: str, ref: str, actor: str
) -> PurchaseView:
    """Buy something at the price that was shown, once for each `ref`. Raises what the flow raises.

    Raises NotFound for what is not on sale, Invalid for what staff alone sells, and for what costs
    something else by now.
    """
    book = at.catalogue.book
    on = _on_sale(at, SalesChannel.STAFF)
    wanted = next((one for one in on if one.code == code), None)
    if wanted is None:
        raise NotFound("this is not sold any more")
    if not wanted.is_self_service:
        raise Invalid("offering", f"{wanted.name} is not sold here: ask us for it")
    costs = offer(wanted, book, at.catalogue.taxes, at.where).price
    if str(costs) != price:
        raise Invalid("price", f"it costs {costs} by now: look at it again")
    order = Order(offering=code, source=SOURCE, ref=ref)
    return await selling.sell(house, tx, at.buyer.contract, order, actor)


def _on_sale(at: Counter, channel: SalesChannel, words: str = "") -> list[Offering]:
    book, currency = at.catalogue.book, at.buyer.currency
    return on_sale(book, currency, at.today, at.now, channel=channel, words=words)
