"""A service rests for some days: dark, and not charged where the terms say so. Then it goes on.

What was charged for days of rest is given back; what is left of a period is charged when the rest
ends. The days on which periods begin stay what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select, update

from billing.equipment.store import rental
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.metering import rerate_services
from billing.invoicing.store import reopen
from billing.subscriptions.model import Pause
from billing.subscriptions.store import pause as pauses
from billing.subscriptions.store import pause_from, subscription
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import days_after
from terms.errors import Duplicate, Invalid, NotFound

AHEAD_DAYS_MAX = 366


async def pause(
    desk: Desk,
    tx: Tx,
    contract: str,
    now: datetime,
    *,
    from_on: date | None = None,
    until_on: date | None = None,
) -> Pause:
    """Let a service rest from a day on, today if none is said, up to another or until resumed.

    Raises NotFound for an unknown contract, Invalid for days that are past, too far ahead or none,
    Duplicate where it rests on one of them already.
    """
    held = await lock(tx, contract, now)
    if not held.subscriptions:
        raise Invalid("contract", f"{contract} has ended")
    from_on = from_on or held.today
    if not held.today <= from_on <= days_after(held.today, AHEAD_DAYS_MAX):
        raise Invalid("begins", f"must be {held.today} or up to {AHEAD_DAYS_MAX} days later")
    if until_on is not None and until_on <= from_on:
        raise Invalid("ends", f"must be after {from_on}")
    made = Pause(
        id=new_id(now, desk.chance), service=held.service, from_on=from_on, until_on=until_on
    )
    if any(made.meets(one) for one in await _pauses(tx, held)):
        raise Duplicate(f"{contract} rests on some of these days already", field="begins")
    row = {
        "id": made.id,
        "service_id": made.service,
        "from_on": from_on,
        "until_on": until_on,
        "created_at": now,
    }
    await tx.insert(pauses, [row])
    await _look_again(desk, tx, held, from_on)
    await rerate_services(desk, tx, [held.service], now)
    return made


async def resume(
    desk: Desk, tx: Tx, contract: str, now: datetime, *, on: date | None = None
) -> Pause:
    """Let a rest end before a day, today if none is said; one not begun by then never was.

    Raises NotFound for an unknown contract or where nothing rests, Invalid for a day that is past.
    """
    held = await lock(tx, contract, now)
    day = on or held.today
    if day < held.today:
        raise Invalid("on", f"must be {held.today} or later")
    one = next((one for one in await _pauses(tx, held) if one.ends_after(day)), None)
    if one is None:
        raise NotFound(f"{contract} does not rest on {day}")
    ended = replace(one, until_on=max(day, one.from_on))
    await tx.execute(update(pauses).where(pauses.c.id == one.id).values(until_on=ended.until_on))
    await _look_again(desk, tx, held, max(day, one.from_on))
    await rerate_services(desk, tx, [held.service], now)
    return ended


async def _pauses(tx: Tx, held: Contract) -> Sequence[Pause]:
    query = select(pauses).where(pauses.c.service_id == held.service).order_by(pauses.c.from_on)
    return [pause_from(row) for row in await tx.rows(query)]


async def _look_again(desk: Desk, tx: Tx, held: Contract, from_on: date) -> None:
    """Have everything the service is charged for compared from a day on."""
    subjects = [
        row.id
        for table in (subscription, rental)
        for row in await tx.rows(select(table.c.id).where(table.c.service_id == held.service))
    ]
    rows = [(subject, from_on) for subject in subjects]
    await reopen(tx, rows, desk.clock.machine_now(), desk.chance)
    await desk.work.mark(tx, "settle", [held.account])
