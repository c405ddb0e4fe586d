"""`intake` rows: a stored event of a payment provider becomes facts."""

from __future__ import annotations

from collections.abc import Sequence

from app.wiring import House
from billing.flows.intake import intake
from runtime.crash import reach
from runtime.work import Claim, Failure, Handler

KIND = "intake"


def handler(house: House) -> Handler:
    """Make the handler of a batch: one transaction."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            taken = await intake(house.desk, tx, [claim.key for claim in claims], now)
            machine_now = house.clock.machine_now()
            later = [
                Failure(
                    claim=claim,
                    error="its subscriber is not known yet",
                    not_before=machine_now + taken.again[claim.key],
                    counts=False,
                )
                for claim in claims
                if claim.key in taken.again
            ]
            await house.work.fail(tx, later)
            await house.work.complete(tx, [c for c in claims if c.key not in taken.again])
        reach("after_intake")

    return handle
