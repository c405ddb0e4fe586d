"""Boxes over the counter: known, handed over, taken back.

Billing learns of it by the fact that inventory writes; the account is marked here, because only
the edge knows whose service it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.wiring import House
from billing.reads import accounts
from gateway.inventory import flows, store
from gateway.inventory.flows import HandOver, NewBox, TakeBack
from gateway.inventory.model import Resource
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import NotFound
from terms.ids import AccountId, ServiceId

SETTLE = "settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A household as the counter needs it."""

    account: AccountId
    service: ServiceId
    today: date


async def holder_of(house: House, tx: Tx, contract: str) -> Holder:
    """Find a household by its contract. Raises NotFound."""
    now = await house.clock.business_now(tx)
    view = await accounts.view(tx, contract, now)
    return Holder(
        account=view.account,
        service=view.services[0].service,
        today=local_date(now, view.zone),
    )


async def register(house: House, tx: Tx, box: NewBox, actor: str) -> Resource:
    """Make a box known, in stock; the same again is harmless."""
    (known,) = await flows.register(tx, house.work, [box], actor=actor)
    return known


async def hand_over(
    house: House, tx: Tx, serial: str, contract: str, *, on: date | None, actor: str
) -> Resource:
    """Give a known box to a household, from a local day on (today unless said)."""
    box = await _known(tx, serial)
    holder = await holder_of(house, tx, contract)
    move = HandOver(resource=box.id, service=holder.service, on=on or holder.today, actor=actor)
    (moved,) = await flows.hand_over(tx, house.work, [move])
    await house.work.mark(tx, SETTLE, [holder.account])
    return moved


async def take_back(
    house: House, tx: Tx, serial: str, *, on: date | None, condition: str, actor: str
) -> Resource:
    """Take a box back from whoever holds it."""
    box = await _known(tx, serial)
    day, account = on, None
    if box.service is not None:
        contract = await accounts.contract_of(tx, box.service)
        holder = await holder_of(house, tx, contract)
        day, account = on or holder.today, holder.account
    day = day or (await house.clock.business_now(tx)).date()
    move = TakeBack(resource=box.id, on=day, actor=actor, condition=condition)
    (moved,) = await flows.take_back(tx, house.work, [move])
    if account:
        await house.work.mark(tx, SETTLE, [account])
    return moved


async def _known(tx: Tx, serial: str) -> Resource:
    found = (await store.by_serial(tx, [serial])).get(serial)
    if found is None:
        raise NotFound(f"no box with serial {serial}")
    return found
