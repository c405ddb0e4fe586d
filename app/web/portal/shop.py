"""/portal/shop: what may be bought once, at which price with tax, and what was bought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.desk import shopping
from app.desk.shopping import Counter
from app.identity.guesses import Pace
from app.web.cursor import cut
from app.web.leading import PORTAL
from app.web.page.extras import lasting, sale
from app.web.page.fields import DoneQuery, OnceForm
from app.web.page.once import in_one
from app.web.page.phone import Phone
from app.web.page.reply import refused, see
from app.web.page.words import Tone, money, shown
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from billing.catalog.terms import Billed, SalesChannel
from billing.purchases.offer import Offer
from billing.reads.purchases import PurchaseState
from runtime.store import Tx
from terms.errors import DomainError, NotFound

PATH = f"{PORTAL}/shop"
OFFERS_MAX, SALES_MAX = 24, 24
CODE_CHARS_MAX, WORDS_CHARS_MAX = 40, 80
# Whoever gets hold of a browser buys no catalogue.
BUYS = Pace(at_once=10, every=timedelta(minutes=1))
SAID: Mapping[str, tuple[str, Tone]] = {
    PurchaseState.OPEN.value: ("It is yours. Below it says until when.", "good"),
    PurchaseState.WAITING.value: ("It is yours. Below it says when it opens.", "good"),
    PurchaseState.DONE.value: ("It is yours.", "good"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """Something that may be bought once: its price with tax, how long, how billed."""

    code: str
    name: str
    price: str
    asked: str  # the price, as the form brings it back
    lasts: str
    billed: str


class ShopQuery(DoneQuery):
    """Which of it: with some words in its name, behind an offering; of sales behind a sale."""

    q: Annotated[str, Field(max_length=WORDS_CHARS_MAX)] = ""
    behind: Annotated[str, Field(max_length=CODE_CHARS_MAX)] = ""
    before: Annotated[str, Field(max_length=CODE_CHARS_MAX)] = ""


class BuyForm(OnceForm):
    """The price that the page showed."""

    price: Annotated[str, Field(max_length=40)]


class Shop:
    """The page and its form."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs, buy = Policy.SUBSCRIBER, f"{PATH}/{{code}}/buy"
        return (
            Route(method="GET", path=PATH, policy=theirs, handler=self._show, query=ShopQuery),
            Route(method="POST", path=buy, policy=theirs, handler=self._buy, form=BuyForm),
        )

    async def _show(self, call: Call) -> web.Response:
        said, tone = SAID.get(call.query.done, ("", "good"))
        return await self._page(call, call.query, said, tone)

    async def _page(
        self, call: Call, query: ShopQuery, said: str = "", tone: Tone = "good", status: int = 200
    ) -> web.Response:
        one = call.subscriber
        async with self.house.store.read() as tx:
            at = await shopping.counter(self.house, tx, one.service, one.zone)
            sales = await shopping.bought(tx, at, behind=query.before, limit=SALES_MAX + 1)
        ours = SalesChannel.SELF_SERVICE
        found = shopping.offers(at, ours, words=query.q, behind=query.behind, limit=OFFERS_MAX + 1)
        wares, last = cut(found, OFFERS_MAX)
        newest, oldest = cut(sales, SALES_MAX)
        return await self.phone.page(
            call,
            "portal_shop",
            said=said,
            tone=tone,
            status=status,
            may_buy=at.buyer.may_buy,
            words=query.q,
            offers=[_offer(each, at) for each in wares],
            more=last.code if last else "",
            sales=[sale(each, one.zone) for each in newest],
            older=oldest.sale.id if oldest else "",
        )

    async def _buy(self, call: Call) -> web.Response:
        try:
            await self.house.subscribers.take({f"buy {call.subscriber.id}": BUYS})
            done = await in_one(call, _bought)
        except NotFound:
            raise
        except (BadRequest, DomainError) as error:
            return await self._page(call, ShopQuery(), *refused(error))
        return see(f"{PATH}?done={quote(done, safe='')}")


async def _bought(call: Call, tx: Tx) -> str:
    one, form = call.subscriber, call.form
    at = await shopping.counter(call.house, tx, one.service, one.zone)
    done = await shopping.buy(
        call.house, tx, at, call.part("code"), price=form.price, ref=call.once, actor=call.actor
    )
    return done.state.value


def _offer(one: Offer, at: Counter) -> OfferRow:
    return OfferRow(
        code=one.code,
        name=one.name,
        price=money(one.price),
        asked=str(one.price),
        lasts=lasting(one.window, at.buyer.zone) if one.window else "",
        billed=_billed(one, at),
    )


def _billed(one: Offer, at: Counter) -> str:
    if one.billed is Billed.CREDIT:
        return "paid at once from your credit"
    if one.billed is Billed.NEXT_INVOICE:
        return f"on your next invoice, by {shown(at.bill_on)}"
    return "billed at once" + (", opens as soon as that is paid" if one.window else "")
