"""`settle` rows: what is owed and what may be watched, for a batch of accounts.

Possession facts are taken first, so that a box handed over is on the invoice that follows. Where
they cannot be, settling goes on: whenever they are taken, their accounts are marked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter as now_s

from app.roles.possessions import take_waiting
from app.wiring import House
from billing.flows.settle import settle
from runtime.crash import reach
from runtime.work import Claim, Handler, Stride
from terms.ids import AccountId

KIND = "settle"


def handler(house: House, stride: Stride) -> Handler:
    """Make the handler of a batch: one transaction, and every row with its next look.

    The stride learns how long the transaction was open, the wait for it aside.
    """

    async def handle(claims: Sequence[Claim]) -> None:
        # Without them, too, is settled; they are taken by the clock as well.
        await house.store.outages.outlive("facts first", take_waiting(house))
        async with house.store.begin() as tx:
            begun_s = now_s()
            now = await house.clock.business_now(tx)
            accounts = [AccountId(claim.key) for claim in claims]
            settled = await settle(house.desk, tx, accounts, now)
            looks: list[tuple[Claim, datetime]] = []
            over: list[Claim] = []
            for claim in claims:
                look = settled.next_look.get(AccountId(claim.key))
                if look is None:
                    over.append(claim)
                else:
                    looks.append((claim, look))
            await house.work.complete(tx, over)
            await house.work.complete_until(tx, looks)
        stride.took(len(claims), now_s() - begun_s)
        reach("after_settle")

    return handle
