"""`dunning` rows: an account whose ladder has come to its end loses what it has, or is written off.

A row at a time, so that one that cannot be ended keeps no other waiting.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.desk.auditing import note
from app.wiring import House
from billing.flows.dun import Dunned, carry_out
from runtime.store import Tx
from runtime.work import Claim, Handler
from terms.ids import AccountId

KIND = "dunning"
ROWS_MAX = 1
ACTOR = "dunning"


def handler(house: House) -> Handler:
    """Make the handler of a row: one transaction."""

    async def handle(claims: Sequence[Claim]) -> None:
        for claim in claims:
            async with house.store.begin() as tx:
                now = await house.clock.business_now(tx)
                done = await carry_out(house.desk, tx, AccountId(claim.key), now)
                await _audit(house, tx, done)
                if done.again_at:
                    await house.work.complete_until(tx, [(claim, done.again_at)])
                else:
                    await house.work.complete(tx, [claim])

    return handle


async def _audit(house: House, tx: Tx, done: Dunned) -> None:
    for contract in done.ended:
        await note(
            house,
            tx,
            actor=ACTOR,
            action="dunning.terminate",
            subject=f"contract:{contract}",
            after="ended",
            reason=f"{done.invoice} is unpaid",
        )
    for one in done.given_up:
        await note(
            house,
            tx,
            actor=ACTOR,
            action="dunning.write_off",
            subject=f"account:{one.account}",
            before=f"{one.amount} open of {one.number}",
            after="written off",
            reason=f"{done.invoice} is unpaid",
        )
