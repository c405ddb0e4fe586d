"""Providers are asked what happened, so that a message that never came is found all the same.

Each look begins behind the last event seen, a little before the newest: what a provider lists late
is heard then. What was heard before changes nothing, whichever way it came.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.flows.desk import Desk
from billing.flows.receive import Message, receive
from billing.payments.provider import EventPage, Missing
from billing.payments.store import provider_cursor
from runtime.store import Tx

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
    told = [
        Message(
            provider=provider,
            event_id=one.id,
            body=one.body,
            received_at=min(one.at, machine_now),
        )
        for one in page.events
    ]
    received = await receive(desk, tx, told)
    old = [one for one in page.events if one.at <= machine_now - OVERLAP]
    place = old[-1] if old else page.events[0] if page.events and not since else None
    if place:
        await _remember(tx, provider, place.id, place.at, machine_now)
    else:
        await _remember(tx, provider, since or "", None, machine_now)
    count = sum(one.is_new for one in received)
    return count, page.events[-1].id if page.has_more and page.events else ""


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
