"""The time by which processes on many machines agree: the database's own, where it has a clock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from runtime.store.schema import from_micros
from runtime.store.unit import Tx

_NOW = text("SELECT (EXTRACT(EPOCH FROM statement_timestamp()) * 1000000)::bigint")


async def shared_now(tx: Tx, machine_now: datetime) -> datetime:
    """Tell the database's time; an embedded one has no other than the machine's."""
    return machine_now if tx.engine == "sqlite" else from_micros(await tx.scalar(_NOW))
