"""What a person decides about boxes that do not fit."""

from __future__ import annotations

from app.desk.boxes import known
from app.wiring import House
from gateway.inventory import reviews
from gateway.inventory.reviews import Case, CaseKind
from runtime.store import Tx
from runtime.store.audit import Deed, record
from terms.errors import Invalid


async def resolve(
    house: House, tx: Tx, id_: str, resolution: str, *, actor: str, forget_key: bool = False
) -> Case:
    """Write down what was decided; again changes nothing.

    With `forget_key` the pinned host key of the box goes too, so that the next registration pins
    another. Raises NotFound, and Invalid for a key where none is the trouble.
    """
    now = house.clock.machine_now()
    case = await reviews.find(tx, id_)
    if forget_key and case.kind is not CaseKind.HOST_KEY:
        raise Invalid("forget_key", "the case is not about a host key")
    done = await reviews.resolve(tx, id_, actor=actor, resolution=resolution, now=now)
    if forget_key and case.resolved_at is None:
        pinned = await house.logins.forget_key(tx, (await known(tx, case.serial)).id)
        deed = Deed(
            at=now,
            actor=actor,
            action="box.forget_key",
            subject=f"box:{case.serial}",
            reason=resolution,
            before=pinned,
        )
        await record(tx, [deed])
    return done
