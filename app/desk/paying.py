"""Money at the counter: a link to the provider's own page, or cash."""

from __future__ import annotations

from dataclasses import dataclass

from app.wiring import House
from billing.flows import pay
from runtime.store import Tx
from runtime.store.audit import Deed, record
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLink:
    """Where a subscriber pays, and how much."""

    url: str
    amount: Money


async def pay_link(house: House, contract: str, provider: str = "", back_to: str = "") -> PayLink:
    """Have the provider make a page for all that is owed now.

    Opens a transaction of its own: the provider is talked to after it.
    """
    await house.refresh_providers()
    async with house.store.read() as tx:
        order = await pay.pay_order(house.desk, tx, contract, provider, back_to)
    url = await house.providers[order.provider].checkout(order)
    return PayLink(url=url, amount=order.amount)


async def take_cash(
    house: House, tx: Tx, contract: str, *, amount: Money, reference: str, actor: str
) -> bool:
    """Take money over the counter; False where this reference was taken before."""
    now = await house.clock.business_now(tx)
    is_new = await pay.take_cash(
        house.desk, tx, contract, now, amount=amount, reference=reference
    )
    if is_new:
        deed = Deed(
            at=house.clock.machine_now(),
            actor=actor,
            action="payment.cash",
            subject=f"contract:{contract}",
            reason=reference,
            after=str(amount),
        )
        await record(tx, [deed])
    return is_new
