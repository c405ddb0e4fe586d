"""/purchases: what households buy once: titles for a while, visits, fees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import selling
from app.web.api.shapes import Amount, Code, OptionalText, Page, Paging, VendorRef, page
from app.web.api.ways import change, look
from app.web.route import Body, Call
from billing.flows.purchase import QUANTITY_MAX, Order
from billing.purchases.model import REF_CHARS_MAX
from billing.reads import purchases
from billing.reads.purchases import PurchaseView
from billing.subscriptions.model import Activation
from runtime.store import Tx

Ref = Annotated[VendorRef, Field(max_length=REF_CHARS_MAX)]
_ACTIVATION = f"^({'|'.join(Activation)})$"


class BuyBody(Body):
    """What is bought, and the number of the sale where it is sold: the same again is the same sale.

    `activation` says whether a title opens once it is paid or at once; unsaid, as the terms do.
    """

    offering: Code
    ref: Ref
    source: Code = "api"
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] = 1
    activation: Annotated[str, Field(pattern=_ACTIVATION)] | None = None
    reason: OptionalText = ""


class GiveBackBody(Body):
    """Why it is taken back."""

    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A sale: what it cost before tax, where it is billed, and its window as far as it is known.

    `state` is waiting, open, over, done (it grants nothing to watch) or given_back.
    """

    id: str
    contract: str
    offering: str
    name: str
    source: str
    ref: str
    quantity: int
    net: Amount
    state: str
    bought_at: datetime
    from_at: datetime | None
    until_at: datetime | None
    watched_at: datetime | None
    bill_on: date
    invoice: str

    @classmethod
    def of(cls, one: PurchaseView) -> Purchase:
        """Show a sale."""
        return cls(
            id=one.id,
            contract=one.contract,
            offering=one.offering,
            name=one.name,
            source=one.source,
            ref=one.ref,
            quantity=one.quantity,
            net=Amount.of(one.amount),
            state=one.state.value,
            bought_at=one.bought_at,
            from_at=one.from_at,
            until_at=one.until_at,
            watched_at=one.watched_at,
            bill_on=one.bill_on,
            invoice=one.invoice,
        )


async def bought(call: Call) -> Page[Purchase]:
    """List what a household has bought once, the newest first."""
    query: Paging = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        now = await call.house.clock.business_now(tx)
        contract = call.part("contract")
        found = await purchases.of_contract(tx, contract, now, after=after, limit=query.limit + 1)
    return page(found, query.limit, Purchase.of, lambda one: (one.id,))


async def buy(call: Call, tx: Tx) -> Purchase:
    """Sell something once to a household."""
    body: BuyBody = call.body
    order = Order(
        offering=body.offering,
        source=body.source,
        ref=body.ref,
        quantity=body.quantity,
        activation=Activation(body.activation) if body.activation else None,
    )
    return Purchase.of(
        await selling.sell(
            call.house, tx, call.part("contract"), order, call.actor, reason=body.reason
        )
    )


async def watched(call: Call, tx: Tx) -> Purchase:
    """Note that a title is being watched: from then on it is kept."""
    return Purchase.of(await selling.note_watched(call.house, tx, call.part("id"), call.actor))


async def give_back(call: Call, tx: Tx) -> Purchase:
    """Take a sale back that nobody has watched: what was charged for it is credited."""
    body: GiveBackBody = call.body
    return Purchase.of(
        await selling.give_back(call.house, tx, call.part("id"), call.actor, reason=body.reason)
    )


ROUTES = (
    look("accounts/{contract}/purchases", bought, Page[Purchase], query=Paging),
    change("accounts/{contract}/purchases", buy, Purchase, body=BuyBody),
    change("purchases/{id}/watched", watched, Purchase),
    change("purchases/{id}/give-back", give_back, Purchase, body=GiveBackBody),
)
