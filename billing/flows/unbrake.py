"""A person lets go whom the brake of dunning keeps from climbing; settle does what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update

from billing.dunning import braking
from billing.dunning.brake import Brake
from billing.dunning.store import dunning_held
from billing.flows.desk import Desk
from runtime.store import Tx
from terms.errors import InvalidTransition


async def stopped(tx: Tx) -> Brake:
    """Give the brake that holds somebody back. Raises InvalidTransition where it is not on."""
    brake = await braking.load(tx)
    if brake is None or brake.stopped_at is None:
        raise InvalidTransition("the brake is not on: dunning holds nobody back")
    return brake


async def release(desk: Desk, tx: Tx, now: datetime, *, by: str) -> int:
    """Let exactly those go who wait, and count anew from now; returns how many.

    Raises InvalidTransition where nobody waits.
    """
    brake = await stopped(tx)
    c = dunning_held.c
    query = select(c.account_id).where(c.released_at.is_(None)).order_by(c.account_id)
    waiting = [row.account_id for row in await tx.rows(query.with_for_update())]
    let_go = update(dunning_held).where(c.released_at.is_(None))
    await tx.execute(let_go.values(released_at=now, released_by=by))
    await braking.turn(tx, replace(brake, since=now, counted=0, stopped_at=None))
    await desk.work.mark(tx, "settle", waiting)
    return len(waiting)
