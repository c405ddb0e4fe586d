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

from sqlalchemy import exists, select

from billing.catalog.model import Price, PriceBook
from billing.catalog.terms import Days, Measure
from billing.flows.desk import Desk
from billing.flows.homes import Home, of_services
from billing.flows.withdraw import withdraw
from billing.invoicing.store import invoice_line, voided
from billing.pending.model import PendingCharge
from billing.pending.store import Filed, file, pending_charge, pending_from
from billing.rating.due import Wish, due
from billing.rating.model import Line, LineKind, once
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
        await rerate(desk, tx, [total_from(row) for row in rows], homes, now)


async def rerate(
    desk: Desk, tx: Tx, totals: Sequence[UsageTotal], homes: Sequence[Home], now: datetime
) -> None:
    """Rate totals of locked households, keep them, and have what they cost more charged."""
    book = (await desk.shelf.newest(tx)).book
    by_service = {home.service: home for home in homes}
    held = await _held(tx, totals)
    steps = [
        _step(_Rating(total=one, home=by_service[one.service], book=book), held[one.id], now)
        for one in totals
    ]
    await tx.upsert(usage_total, [_row(step) for step in steps], key=("id",))
    await file(tx, [step.filed for step in steps if step.filed], now)
    await withdraw(desk, tx, [key for step in steps for key in step.withdrawn])
    await _wake(desk, tx, steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The charges of a total: one not billed yet, those billed or forgiven; how many ever were."""

    waiting: PendingCharge | None
    billed: Sequence[PendingCharge]
    forgiven: Sequence[PendingCharge]
    count: int


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
    total: UsageTotal
    home: Home
    book: PriceBook

    @property
    def subscription(self) -> Subscription:
        return next(one for one in self.home.metered if one.id == self.total.subscription)

    @property
    def price(self) -> Price:
        currency, day = self.home.currency, self.total.period.start
        return self.book.price_on(self.total.offering, currency, day)

    def current(self) -> _Rating:
        """Return it with the days of which its subscription is charged by now."""
        terms = self.book.offering(self.total.offering).terms
        period = self.home.period_of(self.subscription, terms, self.total.period.start)
        if period is None or period.start != self.total.period.start:
            return self
        return replace(self, total=replace(self.total, period=period))

    def committed(self) -> Money:
        """Tell what is charged for the period whatever is used, just as settle does."""
        price, one, home = self.price, self.subscription, self.home
        if not price.amount.amount_minor:
            return price.amount
        terms = self.book.offering(one.offering).terms
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
        charges = due(self.book, wish, date.max).charges
        return total((each.amount for each in charges), home.currency)

    def cost(self, committed: Money) -> Money:
        usage, one = self.price.usage, self.total
        if usage is None:
            return Money(0, self.home.currency)
        return beyond(rated(usage, one.quantity, one.events, self.home.currency), committed)


def _step(before: _Rating, held: _Held, now: datetime) -> _Step:
    """Decide what becomes of the charges of a total. Pure."""
    rating = before.current()
    committed = rating.committed()
    cost = rating.cost(committed)
    forgiven = total((one.line.charge.amount for one in held.forgiven), cost.currency)
    billed = forgiven + total((one.line.charge.amount for one in held.billed), cost.currency)
    withdrawn = [one.id for one in held.billed] if cost.amount_minor < billed.amount_minor else []
    done = min(forgiven if withdrawn else billed, cost, key=lambda one: one.amount_minor)
    rest = cost - done
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
    offering = rating.book.offering(one.offering)
    charge = replace(
        once(LineKind.USAGE, one.period.start, price, rest, offering.tax), period=one.period
    )
    key = waiting.id if waiting else f"{one.id}.{held.count}"
    label = f"{offering.name}: {shown(one.quantity_micro)} {one.meter}"
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
            "quantity": shown(one.quantity_micro),
            "events": one.events,
            "usage": str(price.usage),
        },
    )


async def _held(tx: Tx, totals: Sequence[UsageTotal]) -> dict[str, _Held]:
    c = pending_charge.c
    on_void = exists().where(
        invoice_line.c.subject == c.id, invoice_line.c.invoice_id == voided.c.invoice_id
    )
    query = select(pending_charge, on_void.label("is_forgiven")).where(among(tx.engine, c.cause))
    query = query.order_by(c.created_at, c.id)
    found: dict[str, list[Any]] = {one.id: [] for one in totals}
    for row in await tx.rows(query, {KEYS: packed(tx.engine, sorted(found))}):
        found[row.cause].append(row)
    return {
        key: _Held(
            waiting=next(
                (pending_from(row) for row in rows if row.is_open and not row.is_withdrawn), None
            ),
            billed=[pending_from(row) for row in rows if not (row.is_open or row.is_withdrawn)],
            forgiven=[pending_from(row) for row in rows if row.is_forgiven],
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
