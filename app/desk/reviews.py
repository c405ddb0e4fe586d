"""What a person decides about boxes that do not fit."""

from __future__ import annotations

from app.desk.boxes import known
from app.wiring import House
from gateway.inventory import reviews
from gateway.inventory.reviews import Case, CaseKind
from runtime.store import Tx
from terms.errors import Invalid


async def resolve(
    house: House, tx: Tx, id_: str, resolution: str, *, actor: str, forget_key: bool = False
) -> Case:
    """Write down what was decided.

    With `forget_key` the pinned host key of the box goes too, so that the next registration pins
    another. Raises NotFound, and Invalid for a key where none is the trouble.
    """
    now = house.clock.machine_now()
    done = await reviews.resolve(tx, id_, actor=actor, resolution=resolution, now=now)
    if forget_key:
        if done.kind is not CaseKind.HOST_KEY:
            raise Invalid("forget_key", "the case is not about a host key")
        await house.logins.forget_key(tx, (await known(tx, done.serial)).id)
    return done
