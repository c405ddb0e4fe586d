"""Providers are asked what happened, so that a message that never came is found all the same.

Each look begins behind the last event seen, a little before the newest: what a provider lists late
is heard then. What was heard before changes nothing, whichever way it came.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.flows.desk import Desk
from billing.payments.provider import EventPage, Missing
from billing.payments.store import EventState, provider_cursor, provider_event
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed

OVERLAP = timedelta(minutes=5)
PAGES_MAX = 20


async def cursor(tx: Tx, provider: str) -> str:
    """Tell behind which event of a provider the next look begins; nothing before the first."""
    c = provider_cursor.c
    return str(await tx.scalar(select(c.event_id).where(c.provider == provider)) or "")


async def take(
    desk: Desk, tx: Tx, provider: str, page: EventPage | Missing, since: str
) -> tuple[int, str]:
    """Keep what was not heard before and mark it for intake; remember where to go on.

    Returns how many were new, and behind which event more is to be had now, if there is more.
    """
    machine_now = desk.clock.machine_now()
    if isinstance(page, Missing):
        await _remember(tx, provider, "", None, machine_now)
        return 0, ""
    known = await _known(tx, provider, [one.id for one in page.events])
    rows = [
        {
            "id": new_id(machine_now, desk.chance),
            "provider": provider,
            "event_id": one.id,
            "body": one.body,
            "received_at": min(one.at, machine_now),
            "state": EventState.RECEIVED.value,
            "reason": "",
        }
        for one in page.events
        if one.id not in known
    ]
    await tx.insert_new(provider_event, rows, key=("provider", "event_id"))
    new = await _keys(tx, provider, [str(row["event_id"]) for row in rows])
    await desk.work.mark(tx, "intake", new)
    old = [one for one in page.events if one.at <= machine_now - OVERLAP]
    place = old[-1] if old else page.events[0] if page.events and not since else None
    if place:
        await _remember(tx, provider, place.id, place.at, machine_now)
    else:
        await _remember(tx, provider, since or "", None, machine_now)
    return len(new), page.events[-1].id if page.has_more and page.events else ""


async def _remember(
    tx: Tx, provider: str, event_id: str, at: datetime | None, machine_now: datetime
) -> None:
    row = {
        "provider": provider,
        "event_id": event_id,
        "happened_at": at,
        "looked_at": machine_now,
    }
    await tx.upsert(provider_cursor, [row], key=("provider",))


async def _known(tx: Tx, provider: str, event_ids: list[str]) -> set[str]:
    c = provider_event.c
    query = select(c.event_id).where(c.provider == provider, among(tx.engine, c.event_id))
    return {row.event_id for row in await tx.rows(query, {KEYS: packed(tx.engine, event_ids)})}


async def _keys(tx: Tx, provider: str, event_ids: list[str]) -> list[str]:
    c = provider_event.c
    query = select(c.id).where(
        c.provider == provider,
        among(tx.engine, c.event_id),
        c.state == EventState.RECEIVED.value,
    )
    return [row.id for row in await tx.rows(query, {KEYS: packed(tx.engine, event_ids)})]
