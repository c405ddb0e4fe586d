"""All that work rows stand for is marked again, so that their loss is no more than a delay.

Notices are left out: an edge is told once or never.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, select

from billing.accounts.store import account
from billing.flows.attempts import stands
from billing.flows.desk import Desk
from billing.payments.model import UNSETTLED
from billing.payments.store import UNTAKEN, attempt, provider_event
from runtime.store import Tx

PAGE_KEYS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many are looked at again: accounts, charges not decided yet, messages not taken up."""

    accounts: int
    attempts: int
    events: int


async def replay(desk: Desk, tx: Tx) -> Replayed:
    """Mark every account, every attempt whose outcome is to come, every event not taken up.

    What stands already stays: settling again writes nothing, and an attempt that was asked for is
    looked up, not charged again.
    """
    untaken = provider_event.c.state.in_(sorted(UNTAKEN))
    return Replayed(
        events=await _mark(desk, tx, "intake", provider_event.c.id, untaken),
        accounts=await _mark(desk, tx, "settle", account.c.id),
        attempts=await _mark(desk, tx, "collect", attempt.c.id, stands(UNSETTLED)),
    )


async def _mark(
    desk: Desk, tx: Tx, kind: str, key: Column[str], *wanted: ColumnElement[bool]
) -> int:
    count, last = 0, ""
    while True:
        page = select(key.label("key")).where(key > last, *wanted).order_by(key)
        keys = [row.key for row in await tx.rows(page.limit(PAGE_KEYS_MAX))]
        if not keys:
            return count
        await desk.work.mark(tx, kind, keys)
        count, last = count + len(keys), keys[-1]
