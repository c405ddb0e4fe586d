"""Payments as they came, and messages of providers that wait for somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from billing.accounts.store import account
from billing.payments.store import SET_ASIDE, EventState, attempt, movement, provider_event
from billing.reads.account import PaymentView, payment_view
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.keyset import Place, exact, page
from terms.ids import AccountId

LIMIT_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A payment and the number of the account it belongs to."""

    number: str
    payment: PaymentView


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A message of a provider and what became of it. `received_at` is machine time."""

    id: str
    provider: str
    event_id: str
    received_at: datetime
    state: EventState
    reason: str


async def recent(tx: Tx, *, limit: int = 50) -> list[Paid]:
    """List the newest movements of money, newest first."""
    query = (
        select(movement, account.c.number)
        .select_from(movement.join(account, account.c.id == movement.c.account_id))
        .order_by(movement.c.id.desc())
        .limit(min(limit, LIMIT_MAX))
    )
    return [Paid(number=row.number, payment=payment_view(row)) for row in await tx.rows(query)]


async def payers(tx: Tx, attempts: Iterable[str]) -> dict[str, AccountId]:
    """Find whom these attempts collect from."""
    query = select(attempt.c.id, attempt.c.account_id).where(among(tx.engine, attempt.c.id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(attempts)))})
    return {row.id: AccountId(row.account_id) for row in rows}


async def events(tx: Tx, *, state: EventState | None = None, limit: int = 50) -> list[EventView]:
    """List the newest messages of providers, newest first, of one state or of all."""
    wanted = frozenset(EventState) if state is None else frozenset({state})
    return await _events(tx, wanted, limit)


async def set_aside(
    tx: Tx, *, limit: int = 50, behind: tuple[datetime, str] | None = None
) -> list[EventView]:
    """List the newest messages that wait for a person, newest first.

    Perhaps behind an instant, of that very one behind an id.
    """
    return await _events(tx, SET_ASIDE, limit, behind)


async def _events(
    tx: Tx, states: frozenset[EventState], limit: int, behind: Place | None = None
) -> list[EventView]:
    c = provider_event.c
    query = select(c.id, c.provider, c.event_id, c.received_at, c.state, c.reason)
    if len(states) < len(EventState):
        query = query.where(c.state.in_(sorted(states)))
    # Of all there are as many as were ever sent: those are read in order of their key.
    is_few = len(states) < len(EventState)
    place = (c.received_at, exact(tx.engine, c.id)) if is_few else (c.id,)
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
