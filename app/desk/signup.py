"""A new household: account, service, its key at the targets, and the box that goes with it."""

from __future__ import annotations

from app.desk.refusal import refusal
from app.wiring import House
from billing.flows import signup
from billing.flows.signup import SignedUp, SignUp
from gateway.inventory import flows as inventory
from gateway.inventory.flows import HandOver, NewBox
from gateway.provisioning import refs, routes
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Invalid


async def sign_up(
    house: House, tx: Tx, order: SignUp, *, box: NewBox | None, actor: str
) -> SignedUp:
    """Sign one household up now; a box given here is registered and handed over today.

    Raises Invalid where a target would not take the contract, and what the flows raise.
    """
    adapters = {name: (await house.targets.open(name)).adapter for name in await _targets(house)}
    if why := refusal(order.contract, adapters, await routes.load(tx)):
        raise Invalid("contract", why)
    now = await house.clock.business_now(tx)
    (signed,) = await signup.sign_up(house.desk, tx, [order], now)
    await refs.bind(tx, {signed.service: order.contract})
    if box is not None:
        (known,) = await inventory.register(tx, house.work, [box], actor=actor)
        day = local_date(now, order.zone)
        move = HandOver(resource=known.id, service=signed.service, on=day, actor=actor)
        await inventory.hand_over(tx, house.work, [move])
    return signed


async def _targets(house: House) -> list[str]:
    return [name for name, target in (await house.targets.load()).items() if target.enabled]
