"""Events that say what happened but not how much: their provider is asked for the rest.

Prepared, called with no transaction open, recorded. Then they are taken up as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, select, update

from billing.flows.calls import wait_s
from billing.flows.desk import Desk
from billing.payments.provider import Terse
from billing.payments.store import UNTAKEN, provider_event
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.errors import DomainError, TargetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """A stored event of a provider that leaves something out."""

    id: str
    provider: str
    body: bytes


# What the event says in full, or after how long to ask again.
Completed = bytes | timedelta


def is_needed(desk: Desk) -> bool:
    """Tell whether there is a provider whose events leave something out."""
    return any(isinstance(one, Terse) for one in desk.providers.values())


async def prepare(desk: Desk, tx: Tx, event_ids: Sequence[str]) -> list[Incomplete]:
    """List what to ask providers about."""
    c = provider_event.c
    terse = sorted(name for name, one in desk.providers.items() if isinstance(one, Terse))
    query = select(c.id, c.provider, c.body).where(
        among(tx.engine, c.id), c.state.in_(sorted(UNTAKEN)), c.provider.in_(terse)
    )
    rows = await tx.rows(query.order_by(c.id), {KEYS: packed(tx.engine, event_ids)})
    return [Incomplete(id=row.id, provider=row.provider, body=row.body) for row in rows]


async def call(desk: Desk, one: Incomplete) -> Completed:
    """Ask the provider. What it cannot answer now is asked for again."""
    provider: object = desk.providers.get(one.provider)
    if not isinstance(provider, Terse):
        return one.body
    try:
        return await provider.complete(one.body)
    except TargetError as error:
        return timedelta(seconds=wait_s(error))
    except DomainError:
        return one.body  # it cannot be read: whoever takes it up sets it aside


async def record(tx: Tx, found: Sequence[tuple[Incomplete, Completed]]) -> dict[str, timedelta]:
    """Keep what events say in full; returns which are to be asked about again, after how long."""
    rows = [
        {"key": one.id, "said": what}
        for one, what in found
        if isinstance(what, bytes) and what != one.body
    ]
    if rows:
        await tx.execute(
            update(provider_event)
            .where(provider_event.c.id == bindparam("key"))
            .values(body=bindparam("said")),
            rows,
        )
    return {one.id: what for one, what in found if isinstance(what, timedelta)}
