"""`refund` rows: money to be given back is talked over with its provider, no transaction open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.desk.asking import ask
from app.wiring import House
from billing.flows import refunding
from billing.flows.refunding import GivingBack, Recorded
from billing.payments.provider import Outcome
from runtime.store import Tx
from runtime.work import Claim, Failure, Handler, Parking

KIND = "refund"
IN_FLIGHT_MAX = 8


def handler(house: House) -> Handler:
    """Make the handler of a batch: prepare, call, record."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            orders = await refunding.prepare(house.desk, tx, [claim.key for claim in claims])
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)

        async def call(one: GivingBack) -> tuple[GivingBack, Outcome]:
            async with gate:
                return one, await ask(one.provider, refunding.call(house.desk, one))

        outcomes = await asyncio.gather(*(call(one) for one in orders))
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            recorded = await refunding.record(house.desk, tx, outcomes, now)
            await _finish(house, tx, claims, recorded)

    return handle


async def _finish(house: House, tx: Tx, claims: Sequence[Claim], recorded: Recorded) -> None:
    machine_now = house.clock.machine_now()
    why = "the provider's answer is awaited"
    later = [
        Failure(
            claim=one, error=why, not_before=machine_now + recorded.again[one.key], counts=False
        )
        for one in claims
        if one.key in recorded.again
    ]
    stuck = [
        Parking(claim=one, error=recorded.stuck[one.key])
        for one in claims
        if one.key in recorded.stuck
    ]
    waiting = {*recorded.again, *recorded.stuck}
    await house.work.complete(tx, [one for one in claims if one.key not in waiting])
    await house.work.fail(tx, later)
    await house.work.park(tx, stuck)
