"""Targets that count usage: how far each was read, and what of it could not be taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.provisioning.tables import target_meter
from runtime.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """One target that has told usage: when last, how much ever, and why some was refused."""

    target: str
    read_at: datetime
    told: int
    refused: int
    reason: str


async def meters(tx: Tx) -> list[MeterView]:
    """List the targets that have told any, by name."""
    rows = await tx.rows(select(target_meter).order_by(target_meter.c.target))
    return [
        MeterView(
            target=row.target,
            read_at=row.read_at,
            told=row.told,
            refused=row.refused,
            reason=row.reason or "",
        )
        for row in rows
    ]
