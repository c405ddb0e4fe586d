"""`settle` rows: what is owed and what may be watched, for a batch of accounts.

Possession facts are taken first, so that a box handed over is on the invoice that follows. Where
they cannot be, settling goes on: whenever they are taken, their accounts are marked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from app.roles.possessions import take_waiting
from app.wiring import House
from billing.flows.settle import Settled, settle
from runtime.crash import reach
from runtime.patience import Moved
from runtime.retry import is_lost
from runtime.store import Tx
from runtime.work import Claim, Handler, Stride
from terms.ids import AccountId

KIND = "settle"
FACTS_FIRST = "facts first"
# Somebody pays, or the catalogue changes, while a batch is decided on: it is decided on again.
LOOKS_MAX = 5


def handler(house: House, stride: Stride, *, loop_weight: float) -> Handler:
    """Make the handler of a batch: one transaction, and every row with its next look.

    The stride learns how long others were kept waiting for what is written with, or for the event
    loop, of which a second counts for `loop_weight`.
    """
    one_at_a_time = asyncio.Lock()

    async def handle(claims: Sequence[Claim]) -> None:
        async with one_at_a_time:
            await _facts_first(house)
        for _ in range(LOOKS_MAX):
            try:
                held_s, busy_s = await _settled(house, claims)
                stride.took(len(claims), max(held_s, busy_s * loop_weight))
                break
            except Moved:
                claims = await house.work.anew(claims)
        else:
            raise Moved
        reach("after_settle")

    return handle


async def _facts_first(house: House) -> None:
    """Take what waits. Without it, too, is settled; it is taken by the clock as well."""
    outages = house.store.outages
    try:
        await take_waiting(house)
    except Exception as error:  # noqa: BLE001 - told by `failed`
        # A lost database is met by what follows, too, and the lane asks for it again.
        if not is_lost(error):
            outages.failed(FACTS_FIRST, error)
    else:
        outages.passed(FACTS_FIRST)


async def _settled(house: House, claims: Sequence[Claim]) -> tuple[float, float]:
    """Settle a batch; tells how long writing and deciding took, in seconds each."""
    accounts = [AccountId(claim.key) for claim in claims]
    reach("before_settle")
    try:
        async with house.store.decide() as deciding:
            look, tx = deciding.look, deciding.tx
            now = await house.clock.business_now(look)
            settled = await settle(house.desk, tx, accounts, now, look=look)
            if tx.is_later:
                await house.work.insist(tx, claims)
            await _finish(house, tx, claims, settled)
            reach("after_decide")
    except BaseException:
        house.desk.numbers.forget()
        raise
    return deciding.held_s, settled.busy_s


async def _finish(house: House, tx: Tx, claims: Sequence[Claim], settled: Settled) -> None:
    """Take rows away, or keep them for their next look."""
    looks: list[tuple[Claim, datetime]] = []
    over: list[Claim] = []
    for claim in claims:
        at = settled.next_look.get(AccountId(claim.key))
        if at is None:
            over.append(claim)
        else:
            looks.append((claim, at))
    await house.work.complete(tx, over)
    await house.work.complete_until(tx, looks)
