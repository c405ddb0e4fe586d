"""What is sealed of the targets and the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from gateway.inventory.logins import box_login
from gateway.provisioning.tables import target
from runtime.store import Tx


async def options(tx: Tx) -> dict[str, str]:
    """Give the sealed options of every target, by name."""
    rows = await tx.rows(select(target.c.name, target.c.options).order_by(target.c.name))
    return {row.name: row.options for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLogins:
    """How many boxes' logins one key has sealed, and one of them."""

    boxes: int
    sample: str


async def logins(tx: Tx) -> Sequence[SealedLogins]:
    """Count the sealed logins of boxes, by the key that sealed them."""
    c = box_login.c
    counted = select(func.count().label("boxes"), func.min(c.sealed).label("sample"))
    rows = await tx.rows(counted.group_by(c.key_id).order_by(c.key_id))
    return [SealedLogins(boxes=row.boxes, sample=row.sample) for row in rows]
