"""Boxes over the counter: known, handed over, working, swapped, taken back.

Billing learns of it by the fact that inventory writes; the account is marked here, because only
the edge knows whose service it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias

from app.desk import places
from app.wiring import House
from billing.reads import accounts
from billing.reads.accounts import Holder
from gateway.inventory import flows, models, store
from gateway.inventory.flows import Activate, HandOver, NewBox, Swap, TakeBack
from gateway.inventory.model import WAREHOUSE, Resource, ResourceState, checked_serial, implausible
from runtime.store import Tx
from runtime.work import Work
from terms.calendar import local_date
from terms.errors import DomainError, Forbidden, Invalid, InvalidTransition, NotFound
from terms.facts import Condition

SETTLE = "settle"
# What is told later than this changes bills that were paid long ago: a case for a credit.
TOLD_LATE_MAX = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does it, and from which stock he may take; None is whoever may take anything."""

    actor: str
    stock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """How a box comes back, what there is to say of it, and where it lies from then on.

    The place is as people call it: a warehouse, or whose van.
    """

    condition: Condition | None = None
    note: str = ""
    place: str = WAREHOUSE

    def of(self, box: Resource, on: date, actor: str) -> TakeBack:
        """Say this of a box."""
        return TakeBack(
            resource=box.id,
            on=on,
            actor=actor,
            condition=self.condition,
            note=self.note,
            place=self.place,
        )


UNSAID = Back()
ComingBack: TypeAlias = Callable[[Tx, Work, Sequence[TakeBack]], Awaitable[list[Resource]]]


async def holder_of(tx: Tx, contract: str) -> Holder:
    """Find a household by its contract. Raises NotFound."""
    found = (await accounts.holders(tx, [contract])).get(contract)
    if found is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    return found


async def holder_at(tx: Tx, box: Resource) -> Holder | None:
    """Find the household that has a box, or had it when it was lost."""
    return (await accounts.known(tx, [box.service])).get(box.service) if box.service else None


async def register(house: House, tx: Tx, box: NewBox, actor: str) -> Resource:
    """Make a box known, in stock; the same again is harmless."""
    there = replace(box, place=await places.stock_place(tx, box.place))
    (known,) = await flows.register(tx, house.work, [there], actor=actor)
    return known


async def hand_over(
    house: House, tx: Tx, serial: str, contract: str, *, on: date | None, actor: str
) -> Resource:
    """Give a known box to a household, from a local day on (today unless said)."""
    (box,) = await for_change(tx, serial)
    holder = await holder_of(tx, contract)
    await check_free(tx, box, holder)
    if not box.is_held:
        await check_served(house, tx, holder)
    day = await day_behind(tx, box, on, await today(house, tx, holder))
    move = HandOver(resource=box.id, service=holder.service, on=day, actor=actor)
    (moved,) = await flows.hand_over(tx, house.work, [move])
    await house.work.mark(tx, SETTLE, [holder.account])
    return moved


async def activate(house: House, tx: Tx, serial: str, *, on: date | None, actor: str) -> Resource:
    """Note that a box works where it is."""
    (box,) = await for_change(tx, serial)
    holder = await holder_at(tx, box)
    day = await day_behind(tx, box, on, await today(house, tx, holder))
    move = Activate(resource=box.id, on=day, actor=actor)
    (moved,) = await flows.activate(tx, house.work, [move])
    await settle(house, tx, holder)
    return moved


async def swap(
    house: House,
    tx: Tx,
    old: str,
    new: str,
    *,
    by: By,
    on: date | None = None,
    back: Back = UNSAID,
) -> Resource:
    """Give a household another box for the one it has; `back` tells how the old one comes back.

    A claim window opens for the new one. Returns the new box.
    """
    before, after = await for_change(tx, old, new)
    holder = await holder_at(tx, before)
    if holder is not None:
        await check_free(tx, after, holder)
    if not after.is_held:
        await check_reach(tx, after, by)
        await check_served(house, tx, holder)
    now = await today(house, tx, holder)
    day = max([await day_behind(tx, box, on, now) for box in (before, after)])
    move = Swap(
        old=before.id,
        new=after.id,
        on=day,
        actor=by.actor,
        condition=back.condition,
        note=back.note,
        stored_at=await places.stock_place(tx, back.place),
    )
    (moved,) = await flows.swap(tx, house.work, [move])
    await house.logins.open_window(tx, moved.id)
    await settle(house, tx, holder)
    return moved


async def take_back(
    house: House,
    tx: Tx,
    serial: str,
    *,
    actor: str,
    on: date | None = None,
    back: Back = UNSAID,
    flow: ComingBack = flows.take_back,
) -> Resource:
    """Take a box back from whoever holds it; `flow` may ask more of it than that."""
    (box,) = await for_change(tx, serial)
    holder = await holder_at(tx, box)
    day = await day_behind(tx, box, on, await today(house, tx, holder))
    there = replace(back, place=await places.stock_place(tx, back.place))
    (moved,) = await flow(tx, house.work, [there.of(box, day, actor)])
    await settle(house, tx, holder)
    return moved


async def find(tx: Tx, serial: str) -> Resource | None:
    """Find a box by its serial; where there is none just so, by one in other letters."""
    found = (await store.by_serial(tx, [serial])).get(serial)
    if found is not None:
        return found
    others = [models.spelt(await models.load(tx), serial), serial.upper()]
    alike = await store.by_serial(tx, others)
    return next((alike[each] for each in others if each in alike), None)


async def known(tx: Tx, serial: str) -> Resource:
    """Find a box by its serial. Raises NotFound, and Invalid for a serial that cannot be."""
    found = await find(tx, serial)
    if found is not None:
        return found
    checked_serial(serial)
    told = await models.load(tx)
    meant = models.spelt(told, serial)
    if why := models.typed(told, meant):
        raise Invalid("serial", why)
    raise NotFound(f"no box with serial {meant}", field="serial")


async def for_change(tx: Tx, *serials: str) -> list[Resource]:
    """Find boxes that are about to change; nobody else changes them until the transaction ends.

    Raises what `known` raises.
    """
    found = [await known(tx, serial) for serial in serials]
    now = await store.locked(tx, [box.id for box in found])
    return [now[box.id] for box in found]


async def check_served(house: House, tx: Tx, holder: Holder | None) -> None:
    """Raise InvalidTransition where nothing that a household has goes on: it gets no box."""
    if holder is None:
        return
    if await accounts.is_over(tx, holder.service, await today(house, tx, holder)):
        raise InvalidTransition(
            f"contract {holder.contract} has ended: no box goes there any more, only back"
        )


async def check_free(tx: Tx, box: Resource, holder: Holder) -> None:
    """Raise InvalidTransition naming who has a box already; this household itself may."""
    if not box.is_held or box.service == holder.service:
        return
    other = await holder_at(tx, box)
    whose = f"contract {other.contract}" if other else "another household"
    raise InvalidTransition(
        f"box {box.serial} is with {whose}: take it back there first, or read the label again"
    )


async def check_reach(tx: Tx, box: Resource, by: By) -> None:
    """Raise Forbidden for a box of another stock, InvalidTransition for one in no stock."""
    why = implausible(box, by.stock, where=await places.word(tx, box.place))
    if why:
        error: type[DomainError] = Forbidden
        if box.state is not ResourceState.IN_STOCK:
            error = InvalidTransition
        raise error(why)


async def settle(house: House, tx: Tx, holder: Holder | None) -> None:
    """Have the account of a household looked at."""
    if holder is not None:
        await house.work.mark(tx, SETTLE, [holder.account])


async def today(house: House, tx: Tx, holder: Holder | None) -> date:
    """Tell the local date of a household; without one the date in UTC."""
    now = await house.clock.business_now(tx)
    return local_date(now, holder.zone) if holder else now.date()


async def day_behind(tx: Tx, box: Resource, told: date | None, today: date) -> date:
    """Take a day on which something happened to a box, but none before what happened to it last."""
    day = day_of(told, today)
    last = await store.last_on(tx, box.id)
    if told is not None and last is not None and day < last:
        why = f"the last thing that happened to box {box.serial} was on {last}: not before that"
        raise Invalid("on", why)
    return day


def day_of(told: date | None, today: date) -> date:
    """Take a day that may be told late, but never before it has come."""
    if told is None:
        return today
    first = today - TOLD_LATE_MAX
    if not first <= told <= today:
        raise Invalid("on", f"must be a day from {first} to {today}")
    return told
