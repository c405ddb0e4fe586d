"""What staff does for one household that is dark: work everything out anew, restart its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.desk.auditing import note
from app.desk.boxes import SETTLE, holder_of
from app.wiring import House
from gateway.adapters.sdk import Action
from gateway.provisioning.keys import COMPOSE
from gateway.provisioning.operate import Performed
from gateway.provisioning.reconcile import mark
from runtime.store import Tx

RESTART = Action(name="reboot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What is looked at again: the account and its rights, and so many places at targets."""

    places: int


async def restore(house: House, tx: Tx, contract: str, *, actor: str, reason: str = "") -> Restored:
    """Have money, rights and targets of a household looked at again, whatever was set aside.

    Nothing is given that is not paid for. Raises NotFound.
    """
    holder = await holder_of(tx, contract)
    await house.work.mark(tx, SETTLE, [holder.account])
    await house.work.mark(tx, COMPOSE, [holder.service])
    places = await mark(tx, house.work, services=[holder.service])
    await note(
        house,
        tx,
        actor=actor,
        action="account.restore",
        subject=f"contract:{contract}",
        after=f"{places} places at targets",
        reason=reason,
    )
    return Restored(places=places)


async def restart(
    house: House,
    contract: str,
    *,
    id: str,  # noqa: A002 - the same one again restarts nothing again
    actor: str,
    reason: str = "",
) -> Sequence[Performed]:
    """Restart the boxes of a household, at every target that can, once for one id.

    Opens transactions of its own: targets are talked to between them. Raises NotFound.
    """
    async with house.store.begin() as tx:
        holder = await holder_of(tx, contract)
        await note(
            house,
            tx,
            actor=actor,
            action="account.restart",
            subject=f"contract:{contract}",
            reason=reason,
        )
    return await house.operate.perform(holder.service, RESTART, id=id)
