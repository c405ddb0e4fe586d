"""A service is cancelled: everything it has ends, now or when what is charged for is over.

Nothing is given back for days that are charged. Devices are rented until they are returned.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from billing.flows.change import end
from billing.flows.contract import lock
from billing.flows.desk import Desk
from runtime.store import Tx
from terms.errors import Invalid


class When(StrEnum):
    """When a cancellation takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


async def cancel(desk: Desk, tx: Tx, contract: str, when: When, now: datetime) -> None:
    """End every subscription of a service and mark its account.

    Raises NotFound for an unknown contract, Invalid where nothing is left to end.
    """
    held = await lock(tx, contract, now)
    if not held.subscriptions:
        raise Invalid("contract", f"{contract} has ended already")
    for one in held.subscriptions:
        day = held.today if when is When.NOW else held.free_from(one)
        wished = max(day, one.from_on)
        if one.until_on is None or wished < one.until_on:
            await end(tx, one, wished)
    await desk.work.mark(tx, "settle", [held.account])
