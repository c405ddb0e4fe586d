"""Tables of bill days and of the operator's policy on them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Column, Date, Integer, String, Table, Text, func, select

from billing.billdays.model import BillDay, Gate
from runtime.store import Instant, Tx, metadata

DAYS_MAX = 100

bill_day = Table(
    "bill_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("previewed_at", Instant),
    # What the newest preview of it told, as JSON.
    Column("told", Text, nullable=False),
    Column("released_at", Instant),
    Column("released_by", String(80), nullable=False),
    Column("reason", String(254), nullable=False),
)

bill_policy = Table(
    "bill_policy",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("window_days", Integer, nullable=False),
    CheckConstraint("window_days >= 0", name="window_days"),
)


async def load_gate(tx: Tx) -> Gate:
    """Read how the gate stands; open where nothing was published."""
    c, policy = bill_day.c, bill_policy.c
    newest = select(func.max(c.day)).where(c.released_at.is_not(None)).scalar_subquery()
    query = select(policy.window_days, newest.label("released_on")).where(policy.id == 1)
    found = await tx.first(query)
    return Gate(found.window_days, found.released_on) if found else Gate()


async def keep_window(tx: Tx, window_days: int) -> None:
    """Publish how many days a bill day waits."""
    await tx.upsert(bill_policy, [{"id": 1, "window_days": window_days}], key=("id",))


async def find(tx: Tx, day: date) -> BillDay:
    """Read a bill day; one that nobody has looked at is as good."""
    row = await tx.first(select(bill_day).where(bill_day.c.day == day))
    return _from_row(row) if row else BillDay(day=day)


async def newest(tx: Tx, *, days_max: int = DAYS_MAX) -> list[BillDay]:
    """List bill days that somebody has looked at, the newest first."""
    query = select(bill_day).order_by(bill_day.c.day.desc()).limit(days_max)
    return [_from_row(row) for row in await tx.rows(query)]


async def keep(tx: Tx, one: BillDay) -> None:
    """Write a bill day, new or changed."""
    row = {
        "day": one.day,
        "previewed_at": one.previewed_at,
        "told": one.told,
        "released_at": one.released_at,
        "released_by": one.released_by,
        "reason": one.reason,
    }
    await tx.upsert(bill_day, [row], key=("day",))


def _from_row(row: Any) -> BillDay:
    return BillDay(
        day=row.day,
        previewed_at=row.previewed_at,
        told=row.told,
        released_at=row.released_at,
        released_by=row.released_by,
        reason=row.reason,
    )
