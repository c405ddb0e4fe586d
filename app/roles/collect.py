"""`collect` rows: an attempt to charge is talked over with its provider, no transaction open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.wiring import House
from billing.flows import collect
from runtime.work import Claim, Failure, Handler, Parking
from terms.ids import AttemptId

KIND = "collect"
IN_FLIGHT_MAX = 16


def handler(house: House) -> Handler:
    """Make the handler of a batch: prepare, call, record."""

    async def handle(claims: Sequence[Claim]) -> None:
        attempts = [AttemptId(claim.key) for claim in claims]
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            charges = await collect.prepare(house.desk, tx, attempts, now)
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)

        async def call(charge: collect.Charge) -> tuple[collect.Charge, collect.Outcome]:
            async with gate:
                return charge, await collect.call(house.desk, charge)

        outcomes = await asyncio.gather(*(call(charge) for charge in charges))
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            recorded = await collect.record(house.desk, tx, outcomes, now)
            machine_now = house.clock.machine_now()
            later, stuck, over = [], [], []
            for claim in claims:
                key = AttemptId(claim.key)
                if key in recorded.again:
                    at = machine_now + recorded.again[key]
                    why = "the provider's answer is awaited"
                    later.append(Failure(claim=claim, error=why, not_before=at, counts=False))
                elif key in recorded.stuck:
                    stuck.append(Parking(claim=claim, error=recorded.stuck[key]))
                else:
                    over.append(claim)
            await house.work.complete(tx, over)
            await house.work.fail(tx, later)
            await house.work.park(tx, stuck)

    return handle
