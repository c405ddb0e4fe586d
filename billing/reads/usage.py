"""What households use, and what waits because nobody has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select, tuple_

from billing.accounts.contracts import service_of
from billing.catalog.model import OfferingKind
from billing.catalog.store import offering
from billing.subscriptions.store import subscription
from billing.usage.model import RecordState, shown
from billing.usage.store import usage_record, usage_total
from runtime.store import Tx
from terms.ids import ServiceId
from terms.money import Money

ROWS_MAX = 500
_WAITING = usage_record.c.state == RecordState.WAITING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalView:
    """What a subscription has used in a period, and what that costs before tax.

    `cost` is beyond what is committed; it is billed when the period is over.
    """

    id: str
    offering: str
    meter: str
    period_start: date
    period_end: date
    quantity: str
    records: int
    cost: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingView:
    """A record that nobody has, and why: no_service, no_offering or no_price."""

    source: str
    id: str
    contract: str
    meter: str
    quantity: str
    used_at: datetime
    taken_at: datetime
    reason: str


async def of_contract(
    tx: Tx, contract: str, *, after: Sequence[object] = (), limit: int = 50
) -> list[TotalView]:
    """List what a contract has used, the newest period first, behind one. Raises NotFound."""
    known = await service_of(tx, contract)
    c = usage_total.c
    query = select(usage_total).where(c.service_id == known)
    if after:
        query = query.where(tuple_(c.period_start, c.id) < tuple_(*after))
    query = query.order_by(c.period_start.desc(), c.id.desc()).limit(min(limit, ROWS_MAX + 1))
    return [_total(row) for row in await tx.rows(query)]


async def running(tx: Tx, key: ServiceId, today: date) -> list[TotalView]:
    """List what a service has used in the periods that a day lies in, by offering."""
    c = usage_total.c
    query = select(usage_total).where(
        c.service_id == key, c.period_start <= today, c.period_end > today
    )
    rows = await tx.rows(query.order_by(c.offering, c.id).limit(ROWS_MAX))
    return [_total(row) for row in rows]


async def metered(tx: Tx, key: ServiceId, today: date) -> list[str]:
    """Name the offerings charged by usage that a service has on a day, by code."""
    c = subscription.c
    goes_on = or_(c.until_on.is_(None), c.until_on > today)
    is_usage = offering.c.kind == OfferingKind.USAGE.value
    query = (
        select(c.offering)
        .distinct()
        .join_from(subscription, offering, offering.c.code == c.offering)
        .where(c.service_id == key, c.from_on <= today, goes_on, is_usage)
    )
    rows = await tx.rows(query.order_by(c.offering).limit(ROWS_MAX))
    return [row.offering for row in rows]


def _total(row: Any) -> TotalView:
    return TotalView(
        id=row.id,
        offering=row.offering,
        meter=row.meter,
        period_start=row.period_start,
        period_end=row.period_end,
        quantity=shown(row.quantity_micro),
        records=row.events,
        cost=Money(row.rated_minor, row.currency),
    )


async def waiting(
    tx: Tx, *, contract: str = "", after: tuple[str, str] = ("", ""), limit: int = 50
) -> list[WaitingView]:
    """List the records that wait, by source and id, behind one."""
    c = usage_record.c
    query = select(usage_record).where(_WAITING, tuple_(c.source, c.source_id) > tuple_(*after))
    if contract:
        query = query.where(c.contract == contract)
    query = query.order_by(c.source, c.source_id).limit(min(limit, ROWS_MAX + 1))
    return [
        WaitingView(
            source=row.source,
            id=row.source_id,
            contract=row.contract,
            meter=row.meter,
            quantity=shown(row.quantity_micro),
            used_at=row.used_at,
            taken_at=row.taken_at,
            reason=row.reason,
        )
        for row in await tx.rows(query)
    ]
