"""`intake` rows: a stored event of a payment provider becomes facts."""

from __future__ import annotations

from collections.abc import Sequence

from app.wiring import House
from billing.flows.intake import intake
from runtime.crash import reach
from runtime.work import Claim, Handler

KIND = "intake"


def handler(house: House) -> Handler:
    """Make the handler of a batch: one transaction."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            await intake(house.desk, tx, [claim.key for claim in claims], now)
            await house.work.complete(tx, claims)
        reach("after_intake")

    return handle
