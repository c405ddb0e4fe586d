"""Boxes that no household holds: back in stock, moved, lost, found, scrapped, looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.desk import places
from app.desk.boxes import (
    UNSAID,
    Back,
    By,
    check_reach,
    day_behind,
    for_change,
    holder_at,
    known,
    settle,
    take_back,
    today,
)
from app.wiring import House
from billing.reads import accounts
from gateway.inventory import stock, store
from gateway.inventory.model import WAREHOUSE, Resource
from gateway.inventory.stock import Gone, Shelve
from gateway.inventory.store import Line, Wanted
from gateway.reads import boxes as reads
from gateway.reads.progress import Progress
from runtime.store import Tx
from terms.ids import ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxAt:
    """A box, and the contract of the household that has it; empty where none has."""

    box: Resource
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of a box: where it is and what has happened to it, the oldest first.

    `contracts` names the households of its history; one that is gone has none. `progress` tells how
    far it has come with the household that has it now.
    """

    at: BoxAt
    lines: Sequence[Line]
    contracts: dict[ServiceId, str]
    progress: Progress


async def listing(tx: Tx, wanted: Wanted, *, after: str, boxes_max: int) -> list[BoxAt]:
    """List boxes in order of serials, behind one; a van is wanted by whosever it is."""
    there = (await places.load(tx)).sought(wanted.place) if wanted.place else ""
    asked = replace(wanted, place=there)
    boxes = await store.after(tx, after, boxes_max=boxes_max, wanted=asked)
    who = await accounts.known(tx, [box.service for box in boxes if box.service])
    contracts = {service: holder.contract for service, holder in who.items()}
    return [
        BoxAt(box=box, contract=contracts.get(box.service, "") if box.service else "")
        for box in boxes
    ]


async def progress(house: House, tx: Tx, box: Resource) -> Progress:
    """Tell how far a box has come since its household has it."""
    business_now = await house.clock.business_now(tx)
    now = house.clock.machine_now()
    return await reads.progress(tx, box, now=now, business_now=business_now)


async def story(house: House, tx: Tx, serial: str) -> Story:
    """Read all of a box. Raises NotFound, and Invalid for a serial that cannot be."""
    box = await known(tx, serial)
    lines = await store.history(tx, box.serial)
    who = await accounts.known(tx, {line.service for line in lines if line.service})
    contracts = {service: holder.contract for service, holder in who.items()}
    contract = contracts.get(box.service, "") if box.service else ""
    return Story(
        at=BoxAt(box=box, contract=contract),
        lines=lines,
        contracts=contracts,
        progress=await progress(house, tx, box),
    )


async def restock(
    house: House, tx: Tx, serial: str, *, actor: str, place: str = WAREHOUSE
) -> Resource:
    """Put a returned box back in stock."""
    (box,) = await for_change(tx, serial)
    there = await places.stock_place(tx, place)
    move = Shelve(resource=box.id, actor=actor, place=there)
    return (await stock.restock(tx, house.work, [move]))[0]


async def move(house: House, tx: Tx, serial: str, place: str, *, by: By) -> Resource:
    """Move a box between places of stock: the warehouse, a van. Raises Forbidden for another's."""
    (box,) = await for_change(tx, serial)
    if by.stock is not None:
        await check_reach(tx, box, by)
    there = await places.stock_place(tx, place)
    shelved = Shelve(resource=box.id, actor=by.actor, place=there)
    return (await stock.shift(tx, house.work, [shelved]))[0]


async def lose(
    house: House, tx: Tx, serial: str, *, actor: str, on: date | None = None, note: str = ""
) -> Resource:
    """Note a box as lost; who had it stays written."""
    (box,) = await for_change(tx, serial)
    holder = await holder_at(tx, box)
    day = await day_behind(tx, box, on, await today(house, tx, holder))
    gone = Gone(resource=box.id, on=day, actor=actor, note=note)
    (moved,) = await stock.lose(tx, house.work, [gone])
    await settle(house, tx, holder)
    return moved


async def find(
    house: House,
    tx: Tx,
    serial: str,
    *,
    actor: str,
    on: date | None = None,
    back: Back = UNSAID,
) -> Resource:
    """Note a lost box as found: it lies where `back` says, to be looked at."""
    return await take_back(house, tx, serial, actor=actor, on=on, back=back, flow=stock.find)


async def scrap(house: House, tx: Tx, serial: str, *, actor: str, note: str = "") -> Resource:
    """Write a box off for good."""
    (box,) = await for_change(tx, serial)
    day = await today(house, tx, await holder_at(tx, box))
    gone = Gone(resource=box.id, on=day, actor=actor, note=note)
    return (await stock.scrap(tx, house.work, [gone]))[0]
