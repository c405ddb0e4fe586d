"""Money that we give ourselves: a movement like any other, by a house provider, once by its ref."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing.flows.desk import Desk
from billing.payments.model import Movement, MovementKind
from billing.payments.store import movement
from runtime.chance import new_id
from runtime.store import Tx
from terms.money import Money


async def give(
    desk: Desk, tx: Tx, owner: str, amount: Money, now: datetime, *, provider: str, ref: str
) -> None:
    """Let money come in to an account and mark it."""
    one = _row(desk, owner, amount, now) | {"provider": provider, "charge": ref, "ref": ref}
    await _move(desk, tx, one | {"kind": MovementKind.CLEARED.value})


async def take_back(desk: Desk, tx: Tx, given: Movement, amount: Money, now: datetime) -> None:
    """Let so much of money that was given be back in all, and mark its account."""
    one = _row(desk, given.account, amount, now) | {
        "provider": given.provider,
        "charge": given.charge,
        "ref": f"{given.charge} {amount.amount_minor}",
    }
    await _move(desk, tx, one | {"kind": MovementKind.REFUNDED.value})


async def _move(desk: Desk, tx: Tx, row: dict[str, Any]) -> None:
    await tx.insert_new(movement, [row], key=("provider", "ref", "kind"))
    await desk.work.mark(tx, "settle", [row["account_id"]])


def _row(desk: Desk, owner: str, amount: Money, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(now, desk.chance),
        "account_id": owner,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "attempt_id": None,
        "received_at": now,
        "settled_at": None,
    }
