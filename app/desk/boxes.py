"""Boxes over the counter: known, handed over, taken back.

Billing learns of it by the fact that inventory writes; the account is marked here, because only
the edge knows whose service it is.
"""

from __future__ import annotations

from datetime import date, timedelta

from app.wiring import House
from billing.reads import accounts
from billing.reads.accounts import Holder
from gateway.inventory import flows, store
from gateway.inventory.flows import HandOver, NewBox, TakeBack
from gateway.inventory.model import Resource
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Invalid, NotFound

SETTLE = "settle"
# What is told later than this changes bills that were paid long ago: a case for a credit.
TOLD_LATE_MAX = timedelta(days=31)


async def holder_of(tx: Tx, contract: str) -> Holder:
    """Find a household by its contract. Raises NotFound."""
    found = (await accounts.holders(tx, [contract])).get(contract)
    if found is None:
        raise NotFound(f"there is no contract {contract!r}")
    return found


async def register(house: House, tx: Tx, box: NewBox, actor: str) -> Resource:
    """Make a box known, in stock; the same again is harmless."""
    (known,) = await flows.register(tx, house.work, [box], actor=actor)
    return known


async def hand_over(
    house: House, tx: Tx, serial: str, contract: str, *, on: date | None, actor: str
) -> Resource:
    """Give a known box to a household, from a local day on (today unless said)."""
    box = await _known(tx, serial)
    holder = await holder_of(tx, contract)
    day = _day(on, await _today(house, tx, holder))
    move = HandOver(resource=box.id, service=holder.service, on=day, actor=actor)
    (moved,) = await flows.hand_over(tx, house.work, [move])
    await house.work.mark(tx, SETTLE, [holder.account])
    return moved


async def take_back(
    house: House, tx: Tx, serial: str, *, on: date | None, condition: str, actor: str
) -> Resource:
    """Take a box back from whoever holds it."""
    box = await _known(tx, serial)
    who = await accounts.known(tx, [box.service]) if box.service else {}
    holder = who.get(box.service) if box.service else None
    day = _day(on, await _today(house, tx, holder))
    move = TakeBack(resource=box.id, on=day, actor=actor, condition=condition)
    (moved,) = await flows.take_back(tx, house.work, [move])
    if holder:
        await house.work.mark(tx, SETTLE, [holder.account])
    return moved


async def _today(house: House, tx: Tx, holder: Holder | None) -> date:
    now = await house.clock.business_now(tx)
    return local_date(now, holder.zone) if holder else now.date()


def _day(told: date | None, today: date) -> date:
    """Take a day that may be told late, but never before it has come."""
    if told is None:
        return today
    first = today - TOLD_LATE_MAX
    if not first <= told <= today:
        raise Invalid("on", f"must be a day from {first} to {today}")
    return told


async def _known(tx: Tx, serial: str) -> Resource:
    found = (await store.by_serial(tx, [serial])).get(serial)
    if found is None:
        raise NotFound(f"no box with serial {serial}")
    return found
