"""What happens to boxes: registered, handed over, taken back, put back on the shelf.

Every change of hands is a fact in the log, written in the transaction that changes the row, and
has its service composed anew. Batches: an import moves thousands at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from gateway.inventory import store
from gateway.inventory.model import (
    Resource,
    ResourceState,
    checked_model,
    checked_serial,
    moved,
    normal_mac,
)
from runtime import log
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.audit import Deed, record
from runtime.work import Work
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.facts import Possession, PossessionChanged
from terms.ids import ResourceId, ServiceId

COMPOSE = "compose"
CONDITION_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBox:
    """A box to be known. A box without a MAC is bound to no middleware."""

    serial: str
    model: str
    mac: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A box given to a household; `on` is the local date there."""

    resource: ResourceId
    service: ServiceId
    on: date
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """A box returned by a household."""

    resource: ResourceId
    on: date
    actor: str
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    before: Resource
    after: Resource
    actor: str
    fact: PossessionChanged | None = None


async def register(
    tx: Tx, work: Work, boxes: Sequence[NewBox], *, actor: str = "import"
) -> list[Resource]:
    """Make boxes known, in stock; one known already with the same content is left as it is.

    Raises Invalid for a serial, MAC or model that cannot be, Duplicate naming what is taken.
    """
    wanted = [_checked(box) for box in boxes]
    for field, values in (
        ("serial", [box.serial for box in wanted]),
        ("mac", [box.mac for box in wanted if box.mac]),
    ):
        twice = _first_repeated(values)
        if twice:
            raise Duplicate(f"{field} {twice} is given twice")
    known = await store.by_serial(tx, [box.serial for box in wanted])
    holders = await store.by_mac(tx, [box.mac for box in wanted if box.mac])
    now = work.clock.machine_now()
    made = [known.get(box.serial) or _made(box, now, work) for box in wanted]
    for box, is_now in zip(wanted, made, strict=True):
        _compare(box, is_now, holders)
    fresh = [box for box in made if box.serial not in known]
    await tx.insert(store.resource, [_row(box, now, actor) for box in fresh])
    await record(tx, [_deed(now, actor, "box.register", box, None) for box in fresh])
    return made


async def hand_over(tx: Tx, work: Work, moves: Sequence[HandOver]) -> list[Resource]:
    """Give boxes to households. One that this household holds already is left as it is.

    Raises NotFound, and InvalidTransition for a box that is not in stock.
    """
    known = await _known(tx, [move.resource for move in moves])
    steps = []
    for move in moves:
        box = known[move.resource]
        if box.is_held and box.service == move.service:
            continue
        if box.is_held:
            raise InvalidTransition(f"box {box.serial} is held by another household")
        after = moved(box, ResourceState.ASSIGNED, service=move.service)
        fact = _fact(Possession.HANDED_OVER, after, move.service, move.on)
        steps.append(_Move(before=box, after=after, actor=move.actor, fact=fact))
        known[move.resource] = after
    await _write(tx, work, "box.hand_over", steps)
    return [known[move.resource] for move in moves]


async def take_back(tx: Tx, work: Work, moves: Sequence[TakeBack]) -> list[Resource]:
    """Take boxes back from who holds them. One that is back already is left as it is.

    Raises NotFound, Invalid for an overlong condition, InvalidTransition for a box nobody holds.
    """
    known = await _known(tx, [move.resource for move in moves])
    steps = []
    for move in moves:
        box = known[move.resource]
        if box.state is ResourceState.RETURNED:
            continue
        if len(move.condition) > CONDITION_CHARS_MAX:
            raise Invalid("condition", f"at most {CONDITION_CHARS_MAX} characters")
        after = moved(box, ResourceState.RETURNED, service=None)
        fact = None
        if box.service is not None:
            returned = _fact(Possession.RETURNED, box, box.service, move.on)
            fact = replace(returned, condition=move.condition)
        steps.append(_Move(before=box, after=after, actor=move.actor, fact=fact))
        known[move.resource] = after
    await _write(tx, work, "box.take_back", steps)
    return [known[move.resource] for move in moves]


async def restock(
    tx: Tx, work: Work, resources: Sequence[ResourceId], *, actor: str
) -> list[Resource]:
    """Put returned boxes back on the shelf. Raises NotFound and InvalidTransition."""
    known = await _known(tx, resources)
    steps = [
        _Move(
            before=known[id_],
            after=moved(known[id_], ResourceState.IN_STOCK, service=None),
            actor=actor,
        )
        for id_ in dict.fromkeys(resources)
    ]
    await _write(tx, work, "box.restock", steps)
    return [step.after for step in steps]


async def _write(tx: Tx, work: Work, action: str, steps: Sequence[_Move]) -> None:
    if not steps:
        return
    now = work.clock.machine_now()
    rows = [_row(step.after, now, step.actor) for step in steps]
    await tx.upsert(store.resource, rows, key=("id",))
    deeds = [_deed(now, s.actor, action, s.after, s.before) for s in steps]
    await record(tx, deeds)
    facts = [(step.after, step.fact) for step in steps if step.fact is not None]
    await log.append(tx, [_entry(box, fact, now) for box, fact in facts])
    await work.mark(tx, COMPOSE, [fact.service for _, fact in facts])


async def _known(tx: Tx, ids: Sequence[ResourceId]) -> dict[ResourceId, Resource]:
    known = dict(await store.by_id(tx, ids))
    for id_ in ids:
        if id_ not in known:
            raise NotFound(f"no box {id_}")
    return known


def _checked(box: NewBox) -> NewBox:
    return NewBox(
        serial=checked_serial(box.serial),
        model=checked_model(box.model),
        mac=normal_mac(box.mac) if box.mac else None,
    )


def _made(box: NewBox, now: datetime, work: Work) -> Resource:
    id_ = ResourceId(new_id(now, work.chance))
    return Resource(id=id_, serial=box.serial, mac=box.mac, model=box.model)


def _compare(wanted: NewBox, known: Resource, holders: Mapping[str, Resource]) -> None:
    if (known.mac, known.model) != (wanted.mac, wanted.model):
        raise Duplicate(
            f"serial {wanted.serial} is known as {known.model} with MAC {known.mac or 'none'}"
        )
    holder = holders.get(wanted.mac) if wanted.mac else None
    if holder is not None and holder.serial != wanted.serial:
        raise Duplicate(f"mac {wanted.mac} belongs to the box with serial {holder.serial}")


def _fact(kind: Possession, box: Resource, service: ServiceId, on: date) -> PossessionChanged:
    return PossessionChanged(
        kind=kind, resource=box.id, service=service, serial=box.serial, model=box.model, on=on
    )


def _entry(box: Resource, fact: PossessionChanged, now: datetime) -> log.Entry:
    return log.Entry(
        id=f"possession:{box.id}:{box.moves}",
        kind=PossessionChanged.KIND,
        key=fact.service,
        value=fact.encode(),
        at=now,
    )


def _row(box: Resource, now: datetime, actor: str) -> dict[str, object]:
    return {
        "id": box.id,
        "serial": box.serial,
        "mac": box.mac,
        "model": box.model,
        "state": box.state.value,
        "service": box.service,
        "moves": box.moves,
        "changed_at": now,
        "changed_by": actor,
    }


def _deed(now: datetime, actor: str, action: str, box: Resource, before: Resource | None) -> Deed:
    return Deed(
        at=now,
        actor=actor,
        action=action,
        subject=f"box:{box.serial}",
        before=_told(before),
        after=_told(box),
    )


def _told(box: Resource | None) -> str | None:
    if box is None:
        return None
    return f"{box.state} at {box.service}" if box.service else box.state.value


def _first_repeated(values: Iterable[str]) -> str:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return ""
