"""Money that we give ourselves: a movement like any other, by a house provider, once by its ref."""

from __future__ import annotations

from datetime import datetime

from billing.flows.desk import Desk
from billing.payments.model import MovementKind
from billing.payments.store import movement
from runtime.chance import new_id
from runtime.store import Tx
from terms.money import Money


async def give(
    desk: Desk, tx: Tx, owner: str, amount: Money, now: datetime, *, provider: str, ref: str
) -> None:
    """Let money come in to an account and mark it."""
    row = {
        "id": new_id(now, desk.chance),
        "account_id": owner,
        "provider": provider,
        "charge": ref,
        "ref": ref,
        "kind": MovementKind.CLEARED.value,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "attempt_id": None,
        "received_at": now,
        "settled_at": None,
    }
    await tx.insert_new(movement, [row], key=("provider", "ref", "kind"))
    await desk.work.mark(tx, "settle", [owner])
