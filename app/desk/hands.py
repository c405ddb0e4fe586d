"""Which boxes are in a technician's hands: those in his van, those he has just given out, and those
of households where he has an open job. Whoever may take anything has all of them in hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from app.desk.boxes import By
from gateway.inventory import store
from gateway.inventory.jobs import JobState, job
from gateway.inventory.model import Resource, ResourceState
from runtime.store import Tx
from terms.errors import NotFound

# So long somebody may come back to a box that he has handed over, without a job for it.
GIVEN_OUT_LASTS = timedelta(days=7)


async def check(tx: Tx, by: By, *boxes: Resource, now: datetime) -> None:
    """Raise NotFound for a box that is in no way his; it says nothing of whose it is."""
    for box in boxes:
        if not await is_in(tx, by, box, now):
            raise NotFound(
                f"box {box.serial} is not yours: read the label again, take the job for its "
                "household, or ask the office"
            )


async def is_in(tx: Tx, by: By, box: Resource, now: datetime) -> bool:
    """Tell whether somebody may look at a box and act on it; `now` is machine time."""
    if by.stock is None or (box.place == by.stock and not box.is_held):
        return True
    if box.service is None:
        return False
    return await _gave_it(tx, by, box, now) or await _goes_there(tx, by, box)


async def _gave_it(tx: Tx, by: By, box: Resource, now: datetime) -> bool:
    """Tell whether it was he who gave it to the household that has it now, and not long ago."""
    c = store.resource_move.c
    given = (c.resource == box.id, c.state == ResourceState.ASSIGNED.value)
    query = select(c.actor, c.service, c.at).where(*given).order_by(c.n.desc()).limit(1)
    last = await tx.first(query) if box.is_held else None
    if last is None or (last.actor, last.service) != (by.actor, box.service):
        return False
    return bool(last.at > now - GIVEN_OUT_LASTS)


async def _goes_there(tx: Tx, by: By, box: Resource) -> bool:
    c = job.c
    his = (c.service == box.service, c.assignee == by.actor, c.state == JobState.OPEN.value)
    return await tx.first(select(c.id).where(*his).limit(1)) is not None
