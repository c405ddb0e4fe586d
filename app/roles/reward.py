"""`reward` rows: members have points for what they paid, and who brought a household has credit."""

from __future__ import annotations

from collections.abc import Sequence

from app.wiring import House
from billing.flows.reward import reward
from runtime.work import Claim, Handler
from terms.ids import AccountId

KIND = "reward"


def handler(house: House) -> Handler:
    """Make the handler of a batch: one transaction."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            await reward(house.desk, tx, [AccountId(claim.key) for claim in claims], now)
            await house.work.complete(tx, claims)

    return handle
