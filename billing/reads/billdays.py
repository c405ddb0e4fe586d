"""How the gate stands, and which bill days somebody has looked at."""

from __future__ import annotations

from datetime import date

from billing.billdays import store
from billing.billdays.model import BillDay, Gate
from runtime.store import Tx


async def gate(tx: Tx) -> Gate:
    """Tell how the gate stands."""
    return await store.load_gate(tx)


async def find(tx: Tx, day: date) -> BillDay:
    """Tell what is known of a bill day."""
    return await store.find(tx, day)


async def newest(tx: Tx, *, days_max: int) -> list[BillDay]:
    """List bill days that somebody has looked at, the newest first."""
    return await store.newest(tx, days_max=days_max)
