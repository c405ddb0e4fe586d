"""A box that has proven itself at a household is activated: rental may begin by that.

Told by the facts of the gateway, each of which may be heard more than once.
"""

from __future__ import annotations

from app.desk import boxes
from app.wiring import House
from gateway.inventory import store
from gateway.inventory.model import ResourceState
from runtime import log as facts
from runtime.log import READ_ENTRIES_MAX
from runtime.store import Tx
from runtime.store.audit import because
from runtime.telemetry import get_log
from terms.errors import DomainError
from terms.facts import BoxProven

CONSUMER = "inventory.activate"
KINDS = (BoxProven.KIND,)
ACTOR = "box"

log = get_log()


async def activate_proven(house: House) -> None:
    """Take what boxes have proven since the last time; where that is nothing, nobody is held up."""
    async with house.store.decide() as deciding:
        if not await facts.has_more(deciding.look, CONSUMER, KINDS):
            return
    count = READ_ENTRIES_MAX
    while count == READ_ENTRIES_MAX:
        async with house.store.begin() as tx:
            seen = await facts.read(tx, CONSUMER, KINDS, entries_max=READ_ENTRIES_MAX)
            count = len(seen)
            if seen:
                await _activate(house, tx, [BoxProven.decode(entry.value) for entry in seen])
                await facts.advance(tx, CONSUMER, seen[-1])


async def _activate(house: House, tx: Tx, proven: list[BoxProven]) -> None:
    known = await store.by_id(tx, {one.resource for one in proven})
    holders = {one.resource: one.service for one in proven}
    # Whoever has a box by now has to see it prove itself anew.
    waiting = (
        box
        for box in known.values()
        if box.state is ResourceState.ASSIGNED and box.service == holders[box.id]
    )
    with because("it holds its wish"):
        for box in waiting:
            try:
                await boxes.activate(house, tx, box.serial, on=None, actor=ACTOR)
            except DomainError as error:
                log.warning("box.not_activated", serial=box.serial, reason=str(error))
