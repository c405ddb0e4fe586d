"""What a change would cost, told by doing it in a transaction that never happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.wiring import House
from billing.flows.settle import Foreseen, foresee
from billing.reads import accounts
from runtime.store import Tx

Deed = Callable[[Tx], Awaitable[object]]


async def after(house: House, contract: str, deed: Deed) -> Foreseen:
    """Tell which documents would follow from a deed for a household. Raises what it raises."""
    async with house.store.rehearse() as tx:
        await deed(tx)
        holder = (await accounts.holders(tx, [contract]))[contract]
        now = await house.clock.business_now(tx)
        (found,) = await foresee(house.desk, tx, [holder.account], now)
    return found
