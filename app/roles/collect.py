"""`collect` rows: an attempt to charge is talked over with its provider, no transaction open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.desk.asking import ask
from app.wiring import House
from billing.flows import collect
from billing.flows.collect import Charge, Collected
from billing.payments.provider import Outcome
from runtime.store import Tx
from runtime.work import Claim, Failure, Handler, Parking
from terms.ids import AttemptId

KIND = "collect"
IN_FLIGHT_MAX = 16


def handler(house: House) -> Handler:
    """Make the handler of a batch: prepare, call, record."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            charges = await collect.prepare(house.desk, tx, [claim.key for claim in claims])
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)

        async def call(charge: Charge) -> tuple[Charge, Outcome]:
            async with gate:
                return charge, await ask(charge.provider, collect.call(house.desk, charge))

        outcomes = await asyncio.gather(*(call(charge) for charge in charges))
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            collected = await collect.record(house.desk, tx, outcomes, now)
            await _finish(house, tx, claims, collected)

    return handle


async def _finish(house: House, tx: Tx, claims: Sequence[Claim], collected: Collected) -> None:
    machine_now = house.clock.machine_now()
    later, stuck, over = [], [], []
    for claim in claims:
        key = AttemptId(claim.key)
        if key in collected.again:
            at = machine_now + collected.again[key]
            why = "the provider's answer is awaited"
            later.append(Failure(claim=claim, error=why, not_before=at, counts=False))
        elif key in collected.stuck:
            stuck.append(Parking(claim=claim, error=collected.stuck[key]))
        else:
            over.append(claim)
    await house.work.complete(tx, over)
    await house.work.fail(tx, later)
    await house.work.park(tx, stuck)
