"""Money at the counter: a link to the provider's own page, or cash."""

from __future__ import annotations

from dataclasses import dataclass

from app.wiring import House
from billing.flows import pay
from terms.errors import NotFound
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLink:
    """Where a subscriber pays, and how much."""

    url: str
    amount: Money


async def pay_link(house: House, contract: str, provider: str | None = None) -> PayLink:
    """Have the provider make a page for all that is owed now.

    Opens transactions of its own: the provider is talked to between them.
    """
    await house.refresh_providers()
    async with house.store.begin() as tx:
        order = await pay.pay_order(house.desk, tx, contract, provider=provider)
    found = house.providers.get(order.provider)
    if found is None:
        raise NotFound(f"there is no payment provider {order.provider!r}")
    return PayLink(url=await found.checkout(order), amount=order.amount)
