"""Boxes change hands: handed over, installed, activated, swapped, taken back.

Every change of hands is a fact in the log, written in the transaction that changes the row, and
has its service composed anew. Batches: an import moves thousands at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.inventory import store
from gateway.inventory.model import WAREHOUSE, Resource, ResourceState, checked_place, moved, told
from gateway.inventory.moving import Step, checked_note, each, fact_of, locked, write
from gateway.inventory.registering import NewBox as NewBox  # noqa: PLC0414 - stories begin with it
from gateway.inventory.registering import register as register  # noqa: PLC0414
from runtime.store import Tx
from runtime.work import Work
from terms.errors import Invalid, InvalidTransition
from terms.facts import Condition, Possession, PossessionChanged
from terms.ids import ResourceId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A box given to a household; `on` is the local date there."""

    resource: ResourceId
    service: ServiceId
    on: date
    actor: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """A box that has proven itself, or was seen to work by a person."""

    resource: ResourceId
    on: date
    actor: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One box given for another; `condition`, `note` and `stored_at` are those of the old one."""

    old: ResourceId
    new: ResourceId
    on: date
    actor: str
    condition: Condition | None = None
    note: str = ""
    stored_at: str = WAREHOUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """A box returned by a household; `place` is where it lies from then on."""

    resource: ResourceId
    on: date
    actor: str
    condition: Condition | None = None
    note: str = ""
    place: str = WAREHOUSE


async def hand_over(tx: Tx, work: Work, moves: Sequence[HandOver]) -> list[Resource]:
    """Give boxes to households. One that this household holds already is left as it is.

    Raises NotFound, and InvalidTransition for a box that is not in stock.
    """

    def step(box: Resource, move: HandOver) -> Step | None:
        if box.is_held and box.service == move.service:
            return None
        if box.is_held:
            raise InvalidTransition(
                f"box {box.serial} is held by another household: take it back first"
            )
        place = checked_place(move.place)
        after = moved(box, ResourceState.ASSIGNED, service=move.service, place=place)
        fact = fact_of(Possession.HANDED_OVER, after, move.service, move.on)
        return _told("hand_over", box, after, move, fact)

    return await each(tx, work, moves, step)


async def activate(tx: Tx, work: Work, moves: Sequence[Activate]) -> list[Resource]:
    """Note boxes as working. One that works already is left as it is: no second fact.

    Raises NotFound, and InvalidTransition for a box nobody holds.
    """

    def step(box: Resource, move: Activate) -> Step | None:
        if box.state is ResourceState.ACTIVE:
            return None
        place = checked_place(move.place) or box.place
        after = moved(box, ResourceState.ACTIVE, service=box.service, place=place)
        fact = fact_of(Possession.ACTIVATED, after, _holder(box), move.on)
        return _told("activate", box, after, move, fact)

    return await each(tx, work, moves, step)


async def swap(tx: Tx, work: Work, moves: Sequence[Swap]) -> list[Resource]:
    """Give each household another box for the one it has; returns the new boxes.

    One fact tells both sides. A swap that was made already is left as it is. Raises NotFound,
    Invalid for a box given for itself, InvalidTransition unless the old one is held and the new
    one is in stock.
    """
    known = await locked(tx, [id_ for move in moves for id_ in (move.old, move.new)])
    done = await store.swapped(tx, [move.new for move in moves])
    steps: list[Step] = []
    for move in moves:
        old, new = known[move.old], known[move.new]
        if new.is_held and not old.is_held and (new.id, old.id, new.service) in done:
            continue
        steps += _swapped(move, old, new)
        known[move.new], known[move.old] = (step.after for step in steps[-2:])
    await write(tx, work, steps)
    return [known[move.new] for move in moves]


def _swapped(move: Swap, old: Resource, new: Resource) -> list[Step]:
    if old.id == new.id:
        raise Invalid("new", f"box {old.serial} cannot be given for itself")
    if not old.is_held:
        raise InvalidTransition(f"{told(old)}: nobody has it to be swapped")
    if new.is_held:
        raise InvalidTransition(f"box {new.serial} is held by a household: take it back first")
    given = moved(new, ResourceState.ASSIGNED, service=old.service, place=old.place)
    stored_at = checked_place(move.stored_at)
    back = moved(
        old, ResourceState.RETURNED, service=None, place=stored_at, condition=move.condition
    )
    fact = fact_of(
        Possession.SWAPPED, given, _holder(old), move.on, old=old.id, condition=move.condition
    )
    handed = Step(
        action="swap",
        before=new,
        after=given,
        actor=move.actor,
        on=move.on,
        other=old.id,
        fact=fact,
    )
    taken = Step(
        action="swap",
        before=old,
        after=back,
        actor=move.actor,
        on=move.on,
        note=checked_note(move.note),
        other=new.id,
    )
    return [handed, taken]


async def take_back(tx: Tx, work: Work, moves: Sequence[TakeBack]) -> list[Resource]:
    """Take boxes back from who holds them. One that is back already is left as it is.

    A lost box that comes over the counter is found by that. Raises NotFound, Invalid for an
    overlong note, InvalidTransition for a box nobody holds.
    """

    def step(box: Resource, move: TakeBack) -> Step | None:
        return None if box.state is ResourceState.RETURNED else returned(box, move)

    return await each(tx, work, moves, step)


def returned(box: Resource, move: TakeBack) -> Step:
    """Work out what a return makes of a box: it is nobody's, and whoever had it is told of."""
    place, how = checked_place(move.place), move.condition
    after = moved(box, ResourceState.RETURNED, service=None, place=place, condition=how)
    is_found = box.state is ResourceState.LOST
    kind = Possession.FOUND if is_found else Possession.RETURNED
    fact = fact_of(kind, box, box.service, move.on, condition=how) if box.service else None
    return Step(
        action="find" if is_found else "take_back",
        before=box,
        after=after,
        actor=move.actor,
        on=move.on,
        note=checked_note(move.note),
        fact=fact,
    )


def _told(
    action: str,
    before: Resource,
    after: Resource,
    move: HandOver | Activate,
    fact: PossessionChanged | None = None,
) -> Step:
    return Step(action=action, before=before, after=after, actor=move.actor, on=move.on, fact=fact)


def _holder(box: Resource) -> ServiceId:
    if box.service is None:
        raise InvalidTransition(f"box {box.serial} is with no household")
    return box.service
