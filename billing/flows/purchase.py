"""Something is sold once to a household: a title for a while, or something that is done or given.

Each sale is known by where it was made and its number there: the same again is the same sale.
A title opens as its activation says and ends by itself. Until it was watched it can be given back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, false, or_, select, true, update

from billing.accounts.store import account
from billing.catalog.model import Offering, OfferingKind, PriceBook
from billing.catalog.terms import Billed, Terms
from billing.catalog.window import Window
from billing.dunning.store import hold
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.settle import settle
from billing.flows.signup import check_offering
from billing.flows.withdraw import withdraw
from billing.invoicing.store import invoice_line
from billing.payments.store import open_item
from billing.pending.model import PendingCharge
from billing.pending.store import Filed, file, pending_charge
from billing.purchases.model import REF_CHARS_MAX, SOURCE_CHARS_MAX
from billing.purchases.store import purchase
from billing.rating.model import Line, LineKind, once
from billing.subscriptions.model import Activation
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import period_containing
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound

QUANTITY_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is bought. `source` and `ref` name the sale; no activation leaves it to the terms.

    What is billed at once has to be paid first, what waits for an invoice is open at once.
    """

    offering: str
    source: str
    ref: str
    quantity: int = 1
    activation: Activation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A sale; where it `is_new` it was made now, else it was before."""

    id: str
    is_new: bool


async def buy(desk: Desk, tx: Tx, contract: str, order: Order, now: datetime) -> Sold:
    """Sell something once and mark the account; what takes credit alone is settled at once.

    Raises NotFound for an unknown contract, offering or price; Duplicate for a number that names
    another sale, or for a title that the household has already; Invalid for a household that may
    not watch, another kind of offering, a window that is over, or too little credit.
    """
    _check(order)
    held = await lock(tx, contract, now)
    known = await _known(tx, held, order)
    if known is not None:
        return known
    book = (await desk.shelf.newest(tx)).book
    return await _Sale(desk=desk, tx=tx, held=held, book=book, order=order, now=now).make()


def _check(order: Order) -> None:
    for name, chars_max in (("source", SOURCE_CHARS_MAX), ("ref", REF_CHARS_MAX)):
        text = getattr(order, name)
        if not 1 <= len(text) <= chars_max or not text.isprintable():
            raise Invalid(name, f"needs 1 to {chars_max} printable characters")
    if not 1 <= order.quantity <= QUANTITY_MAX:
        raise Invalid("quantity", f"must be 1 to {QUANTITY_MAX}")


async def _known(tx: Tx, held: Contract, order: Order) -> Sold | None:
    c = purchase.c
    query = (
        select(c.id, c.service_id, c.offering, pending_charge.c.quantity)
        .join_from(purchase, pending_charge, pending_charge.c.id == c.id)
        .where(c.source == order.source, c.ref == order.ref)
    )
    row = await tx.first(query)
    if row is None:
        return None
    sold = (row.service_id, row.offering, row.quantity)
    if sold != (held.service, order.offering, order.quantity):
        raise Duplicate(f"{order.source} {order.ref} is another sale already", field="ref")
    return Sold(id=row.id, is_new=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sale:
    desk: Desk
    tx: Tx
    held: Contract
    book: PriceBook
    order: Order
    now: datetime

    @property
    def offering(self) -> Offering:
        return self.book.offering(self.order.offering)

    @property
    def terms(self) -> Terms:
        return self.offering.terms

    async def make(self) -> Sold:
        check_offering(self.book, self.order.offering, OfferingKind.ONE_OFF, "offering")
        await self._may_buy()
        if self.terms.window:
            await self._may_watch(self.terms.window)
        key = new_id(self.now, self.desk.chance)
        await file(self.tx, [self._filed(key)], self.now)
        await self.tx.insert(purchase, [self._row(key)])
        await self._bill(key)
        return Sold(id=key, is_new=True)

    async def _may_buy(self) -> None:
        if not any(one.is_current(self.held.today) for one in self.held.subscriptions):
            raise Invalid("contract", "has nothing that runs now")
        dark = exists().where(hold.c.service_id == self.held.service)
        if await self.tx.scalar(select(dark)):
            raise Invalid("contract", "may not watch anything now")

    async def _may_watch(self, window: Window) -> None:
        if self.order.quantity > 1:
            raise Invalid("quantity", "a title is bought one at a time")
        if window.is_over(self.now):
            raise Invalid("offering", f"{self.order.offering} closed at {window.closes_at}")
        c = purchase.c
        has_it = exists().where(
            c.service_id == self.held.service,
            c.offering == self.order.offering,
            c.is_open == true(),
            c.is_revoked == false(),
            or_(c.until_at.is_(None), c.until_at > self.now),
        )
        if await self.tx.scalar(select(has_it)):
            raise Duplicate(f"the service has {self.order.offering} already", field="offering")

    def _filed(self, key: str) -> Filed:
        today, quantity = self.held.today, self.order.quantity
        price = self.book.price_on(self.order.offering, self.held.currency, today)
        amount = price.amount * quantity
        charge = once(LineKind.PURCHASE, today, price, amount, self.offering.tax)
        line = Line(
            service=self.held.service,
            subject=key,
            label=self.offering.name,
            charge=replace(charge, quantity=quantity),
        )
        waits = self.terms.billed is Billed.NEXT_INVOICE
        due_on = period_containing(today, self.held.bill_day).end if waits else today
        return Filed(
            account=self.held.account,
            cause=key,
            charge=PendingCharge(id=key, line=line, from_on=today, due_on=due_on),
            record={"source": self.order.source, "ref": self.order.ref},
        )

    def _row(self, key: str) -> dict[str, object]:
        waits = self.terms.billed is Billed.NEXT_INVOICE
        activation = self.order.activation or (Activation.OPEN if waits else Activation.PAID)
        window = self.terms.window if activation is Activation.OPEN else None
        from_at, until_at = window.span(self.now) if window else (None, None)
        return {
            "id": key,
            "source": self.order.source,
            "ref": self.order.ref,
            "account_id": self.held.account,
            "service_id": self.held.service,
            "offering": self.order.offering,
            "activation": activation.value,
            "bought_at": self.now,
            "from_at": from_at,
            "until_at": until_at,
            "watched_at": None,
            "is_open": self.terms.window is not None,
            "is_revoked": False,
        }

    async def _bill(self, key: str) -> None:
        """Have it billed; where only credit pays, see now that it does."""
        if self.terms.billed is not Billed.CREDIT:
            await self.desk.work.mark(self.tx, "settle", [self.held.account])
            return
        settled = await settle(self.desk, self.tx, [self.held.account], self.now)
        looks: dict[str, datetime] = {one: at for one, at in settled.next_look.items() if at}
        await self.desk.work.schedule(self.tx, "settle", looks)
        line = invoice_line.c
        is_owed = exists().where(line.subject == key, line.invoice_id == open_item.c.id)
        if await self.tx.scalar(select(is_owed)):
            raise Invalid("offering", "the credit of the household does not cover it")


async def give_back(desk: Desk, tx: Tx, purchase_id: str) -> bool:
    """Take a sale back that nobody has watched; False where it was taken back already.

    Raises NotFound, InvalidTransition for a title that was watched.
    """
    row = await _lock(tx, purchase_id)
    if row.is_revoked:
        return False
    if row.watched_at is not None:
        raise InvalidTransition(f"{row.offering} was watched since {row.watched_at}")
    mine = purchase.c.id == purchase_id
    await tx.execute(update(purchase).where(mine).values(is_revoked=True, is_open=True))
    await withdraw(desk, tx, [purchase_id])
    await desk.work.mark(tx, "settle", [row.account_id])
    return True


async def note_watched(tx: Tx, purchase_id: str, at: datetime) -> bool:
    """Note that a title is being watched: it is kept from now on. False where it is already.

    Raises NotFound, InvalidTransition for one that nobody may watch now.
    """
    row = await _lock(tx, purchase_id)
    if row.watched_at is not None:
        return False
    if row.is_revoked or row.from_at is None or not row.from_at <= at < row.until_at:
        raise InvalidTransition(f"{row.offering} may not be watched now")
    mine = purchase.c.id == purchase_id
    await tx.execute(update(purchase).where(mine).values(watched_at=at))
    return True


async def _lock(tx: Tx, purchase_id: str) -> Row[Any]:
    """Lock the account that has bought something; returns the purchase. Raises NotFound."""
    query = (
        select(purchase)
        .join_from(purchase, account, purchase.c.account_id == account.c.id)
        .where(purchase.c.id == purchase_id)
    )
    if tx.engine == "postgresql":
        query = query.with_for_update(of=account, key_share=True)
    row = await tx.first(query)
    if row is None:
        raise NotFound(f"there is no purchase {purchase_id!r}", field="purchase")
    return row
