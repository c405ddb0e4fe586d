"""Who sends a technician to a household that lacks boxes: the operator's policy."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, Integer, String, Table, select

from runtime.store import Tx, metadata


class Sending(StrEnum):
    """What opens a job to install what is missing."""

    AUTOMATIC = "automatic"  # it opens by itself
    BY_HAND = "by_hand"  # a person opens it, or nobody does


job_policy = Table(
    "job_policy",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("install", String(16), nullable=False),
)


async def load(tx: Tx) -> Sending:
    """Read the policy; automatic where the operator never said one."""
    said = await tx.scalar(select(job_policy.c.install).where(job_policy.c.id == 1))
    return Sending(said) if said else Sending.AUTOMATIC


async def keep(tx: Tx, sending: Sending) -> bool:
    """Keep a policy; whether it is another one than before."""
    if await load(tx) is sending:
        return False
    await tx.upsert(job_policy, [{"id": 1, "install": sending.value}], key=("id",))
    return True
