"""Which keys want a look by a moment: to be counted or rehearsed, not to be claimed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update

from runtime.store import Tx, to_micros
from runtime.store.among import KEYS, among, packed
from runtime.work.table import work


async def due_keys(
    tx: Tx, kind: str, until: datetime, *, after: str = "", rows_max: int
) -> Sequence[str]:
    """List keys of a kind that are due by a business instant and not parked, behind one."""
    c = work.c
    query = select(c.key).where(*_due(kind, until), c.key > after).order_by(c.key).limit(rows_max)
    return [row.key for row in await tx.rows(query)]


async def due_among(tx: Tx, kind: str, keys: Sequence[str], until: datetime) -> Sequence[str]:
    """List those of some keys of a kind that are due by a business instant and not parked."""
    c = work.c
    query = select(c.key).where(*_due(kind, until), among(tx.engine, c.key)).order_by(c.key)
    return [row.key for row in await tx.rows(query, {KEYS: packed(tx.engine, keys)})]


async def due_count(tx: Tx, kind: str, until: datetime) -> int:
    """Count the keys of a kind that are due by a business instant and not parked."""
    query = select(func.count()).select_from(work).where(*_due(kind, until))
    return int(await tx.scalar(query) or 0)


def _due(kind: str, until: datetime) -> tuple[ColumnElement[bool], ...]:
    c = work.c
    return c.kind == kind, c.parked_at.is_(None), c.due_at <= to_micros(until)


async def bring_forward(tx: Tx, kind: str, now: datetime, until: datetime) -> None:
    """Let keys of a kind that would be looked at by a business instant be looked at now.

    Those that somebody looks at just then are looked at again: first, for then they are free.
    """
    c, due = work.c, to_micros(now)
    busy = update(work).where(c.kind == kind, c.token != 0)
    await tx.execute(busy.values(generation=c.generation + 1))
    coming = update(work).where(c.kind == kind, c.due_at > due, c.due_at <= to_micros(until))
    await tx.execute(coming.values(due_at=due))
    tx.ring((kind,))
