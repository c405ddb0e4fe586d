"""`intake` rows: a stored event of a payment provider becomes facts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.desk.asking import ask
from app.roles.calling import AWAITED
from app.wiring import House
from billing.flows import completing
from billing.flows.completing import Completed, Incomplete
from billing.flows.intake import intake
from runtime.crash import reach
from runtime.work import Claim, Failure, Handler

KIND = "intake"
IN_FLIGHT_MAX = 8
UNKNOWN = "its subscriber is not known yet"


def handler(house: House) -> Handler:
    """Make the handler of a batch: one transaction, after what is asked for outside of any."""

    async def handle(claims: Sequence[Claim]) -> None:
        keys = [claim.key for claim in claims]
        found = await _completed(house, keys)
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            again = await completing.record(tx, found)
            taken = await intake(house.desk, tx, [key for key in keys if key not in again], now)
            waits = {**again, **taken.again}
            machine_now = house.clock.machine_now()
            later = [
                Failure(
                    claim=claim,
                    error=UNKNOWN if claim.key in taken.again else AWAITED,
                    not_before=machine_now + waits[claim.key],
                    counts=False,
                )
                for claim in claims
                if claim.key in waits
            ]
            await house.work.fail(tx, later)
            await house.work.complete(tx, [c for c in claims if c.key not in waits])
        reach("after_intake")

    return handle


async def _completed(house: House, keys: Sequence[str]) -> Sequence[tuple[Incomplete, Completed]]:
    """Fetch what events leave out, with no transaction open; most providers leave out nothing."""
    if not completing.is_needed(house.desk):
        return []
    async with house.store.read() as tx:
        events = await completing.prepare(house.desk, tx, keys)
    gate = asyncio.Semaphore(IN_FLIGHT_MAX)

    async def call(event: Incomplete) -> tuple[Incomplete, Completed]:
        async with gate:
            return event, await ask(event.provider, completing.call(house.desk, event))

    return await asyncio.gather(*(call(event) for event in events))
