"""A provider calls: its message is proven and stored; nothing else happens before the answer.

One that was set aside may be looked at again when a person says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from billing.flows.desk import Desk
from billing.payments.provider import Provider
from billing.payments.store import SET_ASIDE, UNTAKEN, EventState, provider_event
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Our ids of the events of a message, and whether all were heard for the first time."""

    events: Sequence[str]
    is_new: bool


def provider_of(desk: Desk, name: str) -> Provider:
    """Look a configured provider up. Raises NotFound."""
    found = desk.providers.get(name)
    if found is None:
        raise NotFound(f"there is no payment provider {name!r}")
    return found


async def receive(
    desk: Desk, tx: Tx, provider: str, headers: Mapping[str, str], body: bytes
) -> Received:
    """Store the events of a provider's message and mark them for intake.

    A copy changes nothing; while its event is not taken up, it is marked again all the same.

    Raises:
        NotFound: no such provider is configured.
        Forbidden: the message is not the provider's, or not fresh.
        Invalid: it is no message about events.
    """
    machine_now = desk.clock.machine_now()
    told = {
        one.id: one.body for one in provider_of(desk, provider).verify(headers, body, machine_now)
    }
    rows = [
        {
            "id": new_id(machine_now, desk.chance),
            "provider": provider,
            "event_id": event_id,
            "body": said,
            "received_at": machine_now,
            "state": EventState.RECEIVED.value,
            "reason": "",
        }
        for event_id, said in sorted(told.items())
    ]
    if await tx.insert_new(provider_event, rows, key=("provider", "event_id")) == len(rows):
        keys = [str(row["id"]) for row in rows]
        await desk.work.mark(tx, "intake", keys)
        return Received(events=keys, is_new=True)
    c = provider_event.c
    query = select(c.id, c.state).where(c.provider == provider, among(tx.engine, c.event_id))
    stored = await tx.rows(query.order_by(c.id), {KEYS: packed(tx.engine, sorted(told))})
    await desk.work.mark(tx, "intake", [row.id for row in stored if row.state in UNTAKEN])
    return Received(events=[row.id for row in stored], is_new=False)


async def release(desk: Desk, tx: Tx, event_ids: Sequence[str]) -> int:
    """Have messages taken up again that were set aside; returns how many were."""
    c = provider_event.c
    found = await tx.execute(
        update(provider_event)
        .where(among(tx.engine, c.id), c.state.in_(sorted(SET_ASIDE)))
        .values(state=EventState.RECEIVED.value, reason=""),
        {KEYS: packed(tx.engine, event_ids)},
    )
    if found.rowcount:
        await desk.work.mark(tx, "intake", event_ids)
    return found.rowcount
