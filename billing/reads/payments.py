"""Messages of providers that wait for somebody, and from whom tries to collect are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, union_all

from billing.payments.pages import pay_page
from billing.payments.store import (
    SET_ASIDE,
    EventState,
    attempt,
    payment_method,
    provider_event,
    refund,
)
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.keyset import exact, page
from terms.ids import AccountId

LIMIT_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A message of a provider and what became of it. `received_at` is machine time."""

    id: str
    provider: str
    event_id: str
    received_at: datetime
    state: EventState
    reason: str


async def payers(tx: Tx, keys: Iterable[str]) -> dict[str, AccountId]:
    """Find of whom these attempts, refunds, payment methods and pages are."""
    query = union_all(
        *(
            select(one.c.id, one.c.account_id).where(among(tx.engine, one.c.id))
            for one in (attempt, refund, payment_method, pay_page)
        )
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(keys)))})
    return {row.id: AccountId(row.account_id) for row in rows}


async def set_aside(
    tx: Tx, *, limit: int = 50, behind: tuple[datetime, str] | None = None
) -> list[EventView]:
    """List the newest messages that wait for a person, newest first.

    Perhaps behind an instant, of that very one behind an id.
    """
    c = provider_event.c
    query = select(c.id, c.provider, c.event_id, c.received_at, c.state, c.reason)
    query = query.where(c.state.in_(sorted(SET_ASIDE)))
    place = (c.received_at, exact(tx.engine, c.id))
    return [
        EventView(
            id=row.id,
            provider=row.provider,
            event_id=row.event_id,
            received_at=row.received_at,
            state=EventState(row.state),
            reason=row.reason,
        )
        for row in await tx.rows(page(query, place, behind, min(limit, LIMIT_MAX)))
    ]
