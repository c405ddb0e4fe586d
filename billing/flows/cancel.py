"""A service is cancelled: everything it has ends, now or when what is charged for is over.

What was charged behind an end is given back, unless the terms keep it. Devices are rented until
they are returned.
"""

from __future__ import annotations

from datetime import datetime

from billing.catalog.terms import When
from billing.flows.change import end, give_back, look_at_minimum
from billing.flows.contract import lock
from billing.flows.dependents import Begun, reopen_dependents
from billing.flows.desk import Desk
from billing.flows.metering import rerate_services
from runtime.store import Tx
from terms.errors import Invalid


async def cancel(desk: Desk, tx: Tx, contract: str, when: When | None, now: datetime) -> None:
    """End every subscription of a service and mark its account; None leaves it to the terms.

    Raises NotFound for an unknown contract, Invalid where nothing is left to end.
    """
    held = await lock(tx, contract, now)
    if not held.subscriptions:
        raise Invalid("contract", f"{contract} has ended already")
    book = (await desk.shelf.newest(tx)).book
    begun = []
    for one in held.subscriptions:
        terms = book.offering(one.offering).terms
        if (when or terms.cancellation) is When.PERIOD_END:
            day = held.free_from(one)
        else:
            day = terms.uncharged_from(held.today)
        wished = max(day, one.from_on)
        if one.until_on is None or wished < one.until_on:
            await end(tx, one, wished)
            await give_back(desk, tx, one, terms, wished)
            await look_at_minimum(desk, tx, one, book, wished)
            begun.append(Begun(held.service, one.offering, wished))
    await reopen_dependents(desk, tx, book, begun)
    await desk.work.mark(tx, "settle", [held.account])
    await rerate_services(desk, tx, [held.service], now)
