"""What a line of a document follows from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select

from billing.catalog.store import price
from billing.equipment.store import rental
from billing.pending.store import pending_charge
from billing.rating.model import Charge
from billing.subscriptions.store import pause, subscription
from runtime.store import Tx
from terms.calendar import Period
from terms.money import Money

RESTS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that a line follows from: a subscription, a rental, a rest, a version of a price.

    `id` is its key, or that of the fact that began it; `until_on` is the first day without it.
    """

    kind: str
    id: str
    from_on: date
    until_on: date | None = None
    detail: str = ""


async def sources(tx: Tx, row: Any, one: Charge) -> list[Source]:
    """Find what a charge of a line follows from; `row` is the line as it is stored."""
    found = [*await _subject(tx, row.subject), *await _rests(tx, row.service_id, one.period)]
    p = price.c
    query = select(price).where(
        p.offering == one.offering,
        p.currency == one.rate.currency,
        p.effective_from == one.price_from,
    )
    for sold in await tx.rows(query):
        detail = f"{Money(sold.amount_minor, sold.currency)}"
        found.append(Source(kind="price", id=sold.offering, from_on=one.price_from, detail=detail))
    return found


async def _subject(tx: Tx, key: str) -> list[Source]:
    rows = await tx.rows(select(subscription).where(subscription.c.id == key))
    found = [
        Source(
            kind="subscription",
            id=row.id,
            from_on=row.from_on,
            until_on=row.until_on,
            detail=f"{row.quantity} x {row.offering}, charged from {row.charged_from}",
        )
        for row in rows
    ]
    rows = await tx.rows(select(pending_charge).where(pending_charge.c.id == key))
    found += [
        Source(kind=row.kind, id=row.cause or row.id, from_on=row.period_start, detail=row.record)
        for row in rows
    ]
    rows = await tx.rows(select(rental).where(rental.c.id == key))
    return found + [
        Source(
            kind="rental",
            id=row.id,
            from_on=row.from_on,
            until_on=row.until_on,
            detail=f"{row.model} {row.serial}" + (f", {row.ending}" if row.ending else ""),
        )
        for row in rows
    ]


async def _rests(tx: Tx, home: str, period: Period) -> list[Source]:
    c = pause.c
    ends = or_(c.until_on.is_(None), c.until_on > period.start)
    mine = and_(c.service_id == home, c.from_on < period.end, ends)
    rows = await tx.rows(select(pause).where(mine).order_by(c.from_on).limit(RESTS_MAX))
    return [
        Source(kind="pause", id=row.id, from_on=row.from_on, until_on=row.until_on) for row in rows
    ]
