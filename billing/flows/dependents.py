"""What a household has begins or ends: whatever costs by that is charged anew from the day on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import select

from billing.catalog.model import OfferingKind, PriceBook
from billing.catalog.terms import Counts
from billing.equipment.store import rental
from billing.flows.desk import Desk
from billing.invoicing.store import reopen
from billing.subscriptions.store import subscription
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed


class Begun(NamedTuple):
    """An offering of a service that begins or ends on a day."""

    service: str
    offering: str
    day: date


async def reopen_dependents(desk: Desk, tx: Tx, book: PriceBook, begun: Iterable[Begun]) -> None:
    """Have compared again what costs by what has begun or ended, from the first such day on."""
    days = _days(book, begun)
    if not days:
        return
    services = sorted({service for service, _ in days})
    found = []
    for table in (subscription, rental):
        query = select(table.c.id, table.c.service_id, table.c.offering)
        query = query.where(among(tx.engine, table.c.service_id))
        for row in await tx.rows(query, {KEYS: packed(tx.engine, services)}):
            day = days.get((row.service_id, row.offering))
            if day is not None:
                found.append((row.id, day))
    await reopen(tx, found, desk.clock.machine_now(), desk.chance)


def _days(book: PriceBook, begun: Iterable[Begun]) -> Mapping[tuple[str, str], date]:
    """Tell from which day on which offerings of which services cost otherwise."""
    depending = {code: one.terms for code, one in book.offerings.items() if one.terms.depends}
    days: dict[tuple[str, str], date] = {}
    for one in begun if depending else ():
        is_box = book.offering(one.offering).kind is OfferingKind.RENTAL
        for code, terms in depending.items():
            if one.offering in terms.bundle_with or (is_box and terms.counts is Counts.BOXES):
                key = one.service, code
                days[key] = min(one.day, days.get(key, one.day))
    return days
