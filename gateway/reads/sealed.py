"""What is sealed of the targets."""

from __future__ import annotations

from sqlalchemy import select

from gateway.provisioning.tables import target
from runtime.store import Tx


async def options(tx: Tx) -> dict[str, str]:
    """Give the sealed options of every target, by name."""
    rows = await tx.rows(select(target.c.name, target.c.options).order_by(target.c.name))
    return {row.name: row.options for row in rows}
