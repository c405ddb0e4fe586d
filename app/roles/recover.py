"""`recover` rows: money of accounts that have left is for what was written off of them."""

from __future__ import annotations

from collections.abc import Sequence

from app.wiring import House
from billing.flows.recover import recover
from runtime.work import Claim, Handler
from terms.ids import AccountId

KIND = "recover"
ROWS_MAX = 1


def handler(house: House) -> Handler:
    """Make the handler of a row: one transaction."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            for claim in claims:
                await recover(house.desk, tx, AccountId(claim.key), now)
            await house.work.complete(tx, claims)

    return handle
