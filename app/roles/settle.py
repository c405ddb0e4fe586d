"""`settle` rows: what is owed and what may be watched, for a batch of accounts.

Possession facts are taken in first, so that a box handed over is on the invoice that follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.wiring import House
from billing.flows.equip import equip
from billing.flows.settle import settle
from runtime import log as facts
from runtime.crash import reach
from runtime.store import Tx
from runtime.work import Claim, Handler
from terms.facts import PossessionChanged
from terms.ids import AccountId

KIND = "settle"
CONSUMER = "billing.equip"


def handler(house: House) -> Handler:
    """Make the handler of a batch: one transaction, and every row with its next look."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            await take_possessions(house, tx)
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
        reach("after_settle")

    return handle


async def take_possessions(house: House, tx: Tx) -> int:
    """Hand new possession facts to billing, in order; returns how many there were."""
    entries = await facts.read(tx, CONSUMER, [PossessionChanged.KIND])
    if entries:
        changed = [(entry.id, PossessionChanged.decode(entry.value)) for entry in entries]
        await equip(house.desk, tx, changed)
        await facts.advance(tx, CONSUMER, entries[-1])
    return len(entries)
