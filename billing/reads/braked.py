"""How the brake of dunning stands, and how many wait behind it."""

from __future__ import annotations

from sqlalchemy import func, select

from billing.accounts.store import account
from billing.dunning import braking
from billing.dunning.brake import Brake
from billing.dunning.store import dunning_held
from billing.payments.store import open_item
from runtime.store import Tx


async def brake(tx: Tx) -> Brake | None:
    """Read how it stands; None where none is published."""
    return await braking.load(tx)


async def base(tx: Tx) -> int:
    """Count the accounts of which a share is meant."""
    return int(await tx.scalar(select(func.count()).select_from(account)) or 0)


async def waiting(tx: Tx) -> int:
    """Count who waits and still owes what it is for."""
    c = dunning_held.c
    owes = open_item.c.id == c.invoice_id
    count = select(func.count()).select_from(dunning_held.join(open_item, owes))
    return int(await tx.scalar(count.where(c.released_at.is_(None))) or 0)
