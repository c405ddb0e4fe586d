"""Totals of usage are rated as a whole, and what they cost more than is billed becomes a charge.

A total has one pending charge while its period goes on, whose amount follows it. What comes after
that was billed is a further charge: the difference of the totals, never the price of the records.
Where a total comes to less than is billed, what is billed is given back and the total charged anew.
What stood on an invoice that is void was forgiven: it counts as billed, and is never charged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select

from billing.catalog.model import Offering, Price, PriceBook
from billing.catalog.terms import Days, Measure
from billing.flows.desk import Desk
from billing.flows.homes import Home, of_services
from billing.flows.withdraw import withdraw
from billing.pending.model import PendingCharge
from billing.pending.store import Filed, file, pending_charge
from billing.rating.due import Wish, due
from billing.rating.model import Line, LineKind, once_for
from billing.rating.usage import beyond, rated
from billing.subscriptions.model import Subscription
from billing.usage.model import UsageTotal, shown
from billing.usage.store import total_from, usage_total
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import local_date, period_containing, start_of_day
from terms.ids import ServiceId
from terms.money import Money, total


async def rerate_services(desk: Desk, tx: Tx, services: Sequence[ServiceId], now: datetime) -> None:
    """Rate what services use in periods that go on, since what they are charged for has changed."""
    c = usage_total.c
    today = local_date(now, "UTC")
    query = select(usage_total).where(among(tx.engine, c.service_id), c.period_end >= today)
    rows = await tx.rows(query, {KEYS: packed(tx.engine, services)})
    if rows:
        homes = await of_services(tx, sorted({ServiceId(row.service_id) for row in rows}))
        book = (await desk.shelf.newest(tx)).book
        await rerate(desk, tx, [total_from(row) for row in rows], homes, now, book=book)


async def rerate(
    desk: Desk,
    tx: Tx,
    totals: Sequence[UsageTotal],
    homes: Sequence[Home],
    now: datetime,
    *,
    book: PriceBook,
) -> None:
    """Rate totals of locked households, keep them, and have what they cost more charged."""
    by_service = {home.service: home for home in homes}
    held = await _held(tx, totals)
    steps = [
        _step(_Rating.of(one, by_service[one.service], book), book, held[one.id], now)
        for one in totals
    ]
    await tx.upsert(usage_total, [_row(step) for step in steps], key=("id",))
    await file(tx, [step.filed for step in steps if step.filed], now)
    if withdrawn := [key for step in steps for key in step.withdrawn]:
        await withdraw(desk, tx, withdrawn)
    await _wake(desk, tx, steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The charges of a total: one not billed yet, those billed or forgiven; how many ever were."""

    waiting: Row[Any] | None
    billed: Sequence[Row[Any]]
    forgiven: Sequence[Row[Any]]
    count: int

    @property
    def billed_minor(self) -> int:
        return self.forgiven_minor + int(sum(row.amount_minor for row in self.billed))

    @property
    def forgiven_minor(self) -> int:
        return int(sum(row.amount_minor for row in self.forgiven))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What follows for one total."""

    total: UsageTotal
    home: Home
    cost: Money
    filed: Filed | None
    withdrawn: Sequence[str]
    wakes_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rating:
    """A total with what it is rated by."""

    total: UsageTotal
    home: Home
    subscription: Subscription
    offering: Offering
    price: Price

    @classmethod
    def of(cls, one: UsageTotal, home: Home, book: PriceBook) -> _Rating:
        """Look up what a total is rated by; of its days those that are charged by now count."""
        subscription = next(each for each in home.metered if each.id == one.subscription)
        offering = book.offering(one.offering)
        period = home.period_of(subscription, offering.terms, one.period.start)
        if period not in (None, one.period) and period.start == one.period.start:
            one = replace(one, period=period)
        return cls(
            total=one,
            home=home,
            subscription=subscription,
            offering=offering,
            price=book.price_on(one.offering, home.currency, one.period.start),
        )

    def committed(self, book: PriceBook) -> Money:
        """Tell what is charged for the period whatever is used, just as settle does."""
        one, home, terms = self.subscription, self.home, self.offering.terms
        if not self.price.amount.amount_minor:
            return self.price.amount
        rests = (
            [each.days for each in home.pauses if each.days] if terms.paused is Days.FREE else ()
        )
        wish = Wish(
            kind=LineKind.RECURRING,
            offering=one.offering,
            currency=home.currency,
            bill_day=home.bill_day,
            first=self.total.period.start,
            until=self.total.period.end,
            began_on=one.charged_from if terms.counts_from_its_begin else None,
            zone=home.zone if terms.measure is Measure.SECOND else "",
            quantity=one.quantity,
            rests=tuple(rests),
        )
        charges = due(book, wish, date.max).charges
        return total((each.amount for each in charges), home.currency)

    def cost(self, committed: Money) -> Money:
        usage, one = self.price.usage, self.total
        if usage is None:
            return Money(0, self.home.currency)
        return beyond(rated(usage, one.quantity, one.events, self.home.currency), committed)


def _step(rating: _Rating, book: PriceBook, held: _Held, now: datetime) -> _Step:
    """Decide what becomes of the charges of a total. Pure."""
    committed = rating.committed(book)
    cost = rating.cost(committed)
    billed = Money(held.billed_minor, cost.currency)
    withdrawn = [one.id for one in held.billed] if cost.amount_minor < billed.amount_minor else []
    done_minor = held.forgiven_minor if withdrawn else held.billed_minor
    rest = cost - Money(min(done_minor, cost.amount_minor), cost.currency)
    filed, wakes_at = None, now if withdrawn else None
    if rest.amount_minor:
        record = {
            "committed_minor": committed.amount_minor,
            "billed_minor": (cost - rest).amount_minor,
        }
        filed = _filed(rating, held, rest, record, local_date(now, rating.home.zone))
        if held.waiting is None or held.waiting.due_on != filed.charge.due_on:
            wakes_at = start_of_day(filed.charge.due_on, rating.home.zone)
    elif held.waiting:
        withdrawn.append(held.waiting.id)
    return _Step(
        total=rating.total,
        home=rating.home,
        cost=cost,
        filed=filed,
        withdrawn=withdrawn,
        wakes_at=now if withdrawn else wakes_at,
    )


def _filed(
    rating: _Rating, held: _Held, rest: Money, record: Mapping[str, int], today: date
) -> Filed:
    one, price, waiting = rating.total, rating.price, held.waiting
    charge = once_for(LineKind.USAGE, one.period, price, rest, rating.offering.tax)
    key = waiting.id if waiting else f"{one.id}.{held.count}"
    quantity = shown(one.quantity_micro)
    label = f"{rating.offering.name}: {quantity} {one.meter}"
    if today < one.period.end:
        from_on = due_on = one.period.end
    elif waiting:
        from_on, due_on = waiting.from_on, waiting.due_on
    else:
        from_on, due_on = today, period_containing(today, rating.home.bill_day).end
    line = Line(service=one.service, subject=key, label=label, charge=charge)
    return Filed(
        account=one.account,
        cause=one.id,
        charge=PendingCharge(id=key, line=line, from_on=from_on, due_on=due_on),
        record={
            **record,
            "meter": one.meter,
            "quantity": quantity,
            "events": one.events,
            "usage": str(price.usage),
        },
    )


async def _held(tx: Tx, totals: Sequence[UsageTotal]) -> dict[str, _Held]:
    c = pending_charge.c
    told = (c.id, c.cause, c.amount_minor, c.from_on, c.due_on)
    query = (
        select(*told, c.is_open, c.is_withdrawn, c.is_forgiven)
        .where(among(tx.engine, c.cause))
        .order_by(c.created_at, c.id)
    )
    found: dict[str, list[Row[Any]]] = {one.id: [] for one in totals}
    for row in await tx.rows(query, {KEYS: packed(tx.engine, sorted(found))}):
        found[row.cause].append(row)
    return {
        key: _Held(
            waiting=next((row for row in rows if row.is_open and not row.is_withdrawn), None),
            billed=[row for row in rows if not (row.is_open or row.is_withdrawn)],
            forgiven=[row for row in rows if row.is_forgiven],
            count=len(rows),
        )
        for key, rows in found.items()
    }


def _row(step: _Step) -> dict[str, object]:
    one = step.total
    return {
        "id": one.id,
        "account_id": one.account,
        "service_id": one.service,
        "subscription_id": one.subscription,
        "offering": one.offering,
        "meter": one.meter,
        "period_start": one.period.start,
        "period_end": one.period.end,
        "quantity_micro": one.quantity_micro,
        "events": one.events,
        "rated_minor": step.cost.amount_minor,
        "currency": step.cost.currency,
    }


async def _wake(desk: Desk, tx: Tx, steps: Sequence[_Step]) -> None:
    """Have accounts looked at when their charges are due, or now where money goes back."""
    due_at: dict[str, datetime] = {}
    for step in steps:
        if step.wakes_at is not None:
            key = step.home.account
            due_at[key] = min(step.wakes_at, due_at.get(key, step.wakes_at))
    await desk.work.schedule(tx, "settle", due_at)
