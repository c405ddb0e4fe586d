"""The two clocks. Business time may be moved, machine time never.

Business time is machine time plus one offset row in the database, so every process agrees on it;
it is read inside the transaction that acts on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Integer, Table, select, update

from runtime.store.prepared import PreparedQuery
from runtime.store.schema import Duration, metadata
from runtime.store.unit import Tx
from terms.errors import Invalid

business_clock = Table(
    "business_clock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("offset", Duration, nullable=False),
)


_OFFSET = PreparedQuery(
    lambda _engine: select(business_clock.c.offset).where(business_clock.c.id == 1)
)


def utc_now() -> datetime:
    """Return the machine's own time, aware, in UTC."""
    return datetime.now(UTC)


class Clock:
    """Tells both times. Tests pass a `machine` of their own."""

    def __init__(self, machine: Callable[[], datetime] = utc_now) -> None:
        self.machine_now = machine

    async def offset(self, tx: Tx) -> timedelta:
        """Return how far business time runs ahead of machine time."""
        rows = await _OFFSET.rows(tx, {})
        return rows[0].offset if rows else timedelta(0)

    async def business_now(self, tx: Tx) -> datetime:
        """Return business time as of this transaction."""
        return self.machine_now() + await self.offset(tx)

    async def advance(self, tx: Tx, by: timedelta) -> datetime:
        """Move business time forward for everybody and wake whoever waits for it.

        Raises Invalid for a step backwards: what was billed cannot be unbilled.
        """
        if by <= timedelta(0):
            raise Invalid("by", "business time only moves forward")
        offset = await self.offset(tx) + by
        await tx.execute(
            update(business_clock).where(business_clock.c.id == 1).values(offset=offset)
        )
        tx.ring_all()
        return self.machine_now() + offset
