"""Boxes that no household holds: on the shelf again, moved, lost, found, gone for good.

A household that had a box when it was lost or found is told to billing; a move between shelves is
nobody's business but the stock's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.inventory.flows import TakeBack, returned
from gateway.inventory.model import (
    WAREHOUSE,
    Resource,
    ResourceState,
    checked_place,
    moved,
    shifted,
    told,
)
from gateway.inventory.moving import Step, checked_note, each, fact_of
from runtime.store import Tx
from runtime.work import Work
from terms.errors import InvalidTransition
from terms.facts import Possession
from terms.ids import ResourceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelve:
    """A box put on a shelf: a stock location, or the van that bears an actor's id."""

    resource: ResourceId
    actor: str
    place: str = WAREHOUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A box that is lost or scrapped; `on` is the local date of whoever had it."""

    resource: ResourceId
    on: date
    actor: str
    place: str = ""
    note: str = ""


async def restock(tx: Tx, work: Work, moves: Sequence[Shelve]) -> list[Resource]:
    """Put returned boxes back in stock; what is in stock already is left as it is.

    Raises NotFound and InvalidTransition.
    """

    def step(box: Resource, move: Shelve) -> Step | None:
        if box.state is ResourceState.IN_STOCK:
            return None
        place = checked_place(move.place)
        after = moved(box, ResourceState.IN_STOCK, service=None, place=place)
        return Step(action="restock", before=box, after=after, actor=move.actor)

    return await each(tx, work, moves, step)


async def shift(tx: Tx, work: Work, moves: Sequence[Shelve]) -> list[Resource]:
    """Move boxes between places of stock. Raises NotFound and InvalidTransition."""

    def step(box: Resource, move: Shelve) -> Step | None:
        place = checked_place(move.place)
        after = shifted(box, place)
        if box.place == place:
            return None
        return Step(action="move", before=box, after=after, actor=move.actor)

    return await each(tx, work, moves, step)


async def lose(tx: Tx, work: Work, moves: Sequence[Gone]) -> list[Resource]:
    """Note boxes as lost; it stays written who had them. Raises NotFound and InvalidTransition."""

    def step(box: Resource, move: Gone) -> Step | None:
        if box.state is ResourceState.LOST:
            return None
        place = checked_place(move.place) or box.place
        after = moved(box, ResourceState.LOST, service=box.service, place=place)
        fact = fact_of(Possession.LOST, box, box.service, move.on) if box.service else None
        return replace(_gone("lose", box, after, move), fact=fact)

    return await each(tx, work, moves, step)


async def find(tx: Tx, work: Work, moves: Sequence[TakeBack]) -> list[Resource]:
    """Note lost boxes as found: they are back, to be looked at.

    Raises NotFound, and InvalidTransition for a box that was not lost.
    """

    def step(box: Resource, move: TakeBack) -> Step | None:
        if box.state is ResourceState.RETURNED:
            return None
        if box.state is not ResourceState.LOST:
            raise InvalidTransition(f"{told(box)}: it was not lost")
        return returned(box, move)

    return await each(tx, work, moves, step)


async def scrap(tx: Tx, work: Work, moves: Sequence[Gone]) -> list[Resource]:
    """Write boxes off for good. Raises NotFound, InvalidTransition for one a household holds."""

    def step(box: Resource, move: Gone) -> Step | None:
        if box.state is ResourceState.SCRAPPED:
            return None
        place = checked_place(move.place) or box.place
        after = moved(box, ResourceState.SCRAPPED, service=None, place=place)
        return _gone("scrap", box, after, move)

    return await each(tx, work, moves, step)


def _gone(action: str, before: Resource, after: Resource, move: Gone) -> Step:
    return Step(
        action=action,
        before=before,
        after=after,
        actor=move.actor,
        on=move.on,
        note=checked_note(move.note),
    )
