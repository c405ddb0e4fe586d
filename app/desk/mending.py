"""What staff does for one household: work everything out anew, restart its boxes, tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.desk.auditing import note
from app.desk.boxes import SETTLE, holder_of
from app.wiring import House
from gateway.adapters.sdk import Action
from gateway.provisioning.keys import COMPOSE
from gateway.provisioning.operate import Performed
from gateway.provisioning.reconcile import mark
from runtime.store import Tx
from terms.errors import Invalid

RESTART = Action(name="reboot")
TEXT_CHARS_MAX = 200
# Nobody reads tomorrow what was meant for today.
TELL_FOR = timedelta(hours=1)


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


async def tell(
    house: House,
    contract: str,
    text: str,
    *,
    id: str,  # noqa: A002 - the same one again shows nothing again
    actor: str,
) -> Sequence[Performed]:
    """Show a text on the screens of a household, at every target that can, once for one id.

    Opens transactions of its own: targets are talked to between them. Raises NotFound, Invalid.
    """
    text = " ".join(text.split())
    if not 0 < len(text) <= TEXT_CHARS_MAX:
        raise Invalid("text", f"say what stands on the screen, in {TEXT_CHARS_MAX} characters")
    async with house.store.begin() as tx:
        holder = await holder_of(tx, contract)
        await note(
            house,
            tx,
            actor=actor,
            action="account.message",
            subject=f"contract:{contract}",
            after=text,
        )
    not_after = house.clock.machine_now() + TELL_FOR
    action = Action(name="message", params={"text": text}, not_after=not_after)
    return await house.operate.perform(holder.service, action, id=id)
