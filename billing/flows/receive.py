"""A provider calls: its message is proven and stored; nothing else happens before the answer.

One that was set aside may be looked at again when a person says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from billing.flows.desk import Desk
from billing.payments.provider import Provider
from billing.payments.store import SET_ASIDE, UNTAKEN, EventState, provider_event
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.cards import without_cards_in_json
from terms.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event as its provider tells it, proven to be the provider's own.

    `received_at` is when it was told, in machine time; now where nothing is said.
    """

    provider: str
    event_id: str
    body: bytes
    received_at: datetime | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.provider, self.event_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Our id of the event, and whether it was heard for the first time."""

    event: str
    is_new: bool


def provider_of(desk: Desk, name: str) -> Provider:
    """Look a configured provider up. Raises NotFound."""
    found = desk.providers.get(name)
    if found is None:
        raise NotFound(f"there is no payment provider {name!r}")
    return found


def prove(desk: Desk, provider: str, headers: Mapping[str, str], body: bytes) -> list[Message]:
    """Take a raw message for the provider's own; returns the events that it brings.

    Raises:
        NotFound: no such provider is configured.
        Forbidden: the message is not the provider's, or not fresh.
        Invalid: it is no message about events.
    """
    events = provider_of(desk, provider).verify(headers, body, desk.clock.machine_now())
    return [Message(provider=provider, event_id=one.id, body=one.body) for one in events]


async def receive(desk: Desk, tx: Tx, messages: Sequence[Message]) -> list[Received]:
    """Store messages and mark them for intake; tells of each what became of it.

    A copy changes nothing; while its message is not taken up, it is marked again all the same.
    """
    machine_now = desk.clock.machine_now()
    # In one order, so that two who store the same never wait for each other in a circle.
    first = {one.name: one for one in reversed(messages)}
    rows = {name: _row(desk, first[name], machine_now) for name in sorted(first)}
    count = await tx.insert_new(provider_event, [*rows.values()], key=("provider", "event_id"))
    stored = {name: (row["id"], EventState.RECEIVED.value) for name, row in rows.items()}
    if count < len(rows):
        stored |= await _stored(tx, list(rows))
    await desk.work.mark(tx, "intake", [key for key, state in stored.values() if state in UNTAKEN])
    fresh = {name for name, (key, _) in stored.items() if key == rows[name]["id"]}
    received = []
    for one in messages:
        received.append(Received(event=stored[one.name][0], is_new=one.name in fresh))
        fresh.discard(one.name)
    return received


def _row(desk: Desk, one: Message, machine_now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(machine_now, desk.chance),
        "provider": one.provider,
        "event_id": one.event_id,
        "body": without_cards_in_json(one.body),
        "received_at": one.received_at or machine_now,
        "state": EventState.RECEIVED.value,
        "reason": "",
    }


async def _stored(
    tx: Tx, names: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Find messages; of each its id and its state."""
    c = provider_event.c
    query = select(c.provider, c.event_id, c.id, c.state).where(
        c.provider.in_({provider for provider, _ in names}), among(tx.engine, c.event_id)
    )
    keys = {KEYS: packed(tx.engine, [event_id for _, event_id in names])}
    return {(row.provider, row.event_id): (row.id, row.state) for row in await tx.rows(query, keys)}


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
