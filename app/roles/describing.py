"""Payment methods without a name are described by their providers, a few at a time."""

from __future__ import annotations

from app.desk.asking import ask
from app.wiring import House
from billing.flows import describe, upkeep
from billing.flows.upkeep import Found, Kept
from billing.payments.provider import Postponed

# Of each provider: sixty a minute, one after the other, beside charges that must not wait for it.
EVERY_S = 20.0
ROWS_MAX = 20


async def describe_methods(house: House) -> None:
    """Ask each provider what the next ones are; one that cannot answer now is left until later."""
    await house.refresh_providers()
    for name in list(house.providers):
        async with house.store.read() as tx:
            wanted = await describe.nameless(tx, name, house.clock.machine_now(), rows_max=ROWS_MAX)
        found: list[tuple[Kept, Found]] = []
        for one in wanted:
            what = await ask(name, upkeep.call(house.desk, one))
            if isinstance(what, Postponed):
                break
            found.append((one, what))
        if found:
            async with house.store.begin() as tx:
                await describe.note(tx, found, house.clock.machine_now())
