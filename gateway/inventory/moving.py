"""Writes what happened to boxes: their rows, their history, the audit, the fact, the mark.

All of it in the transaction of the flow that decided it. It decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from gateway.inventory import store
from gateway.inventory.model import Resource
from runtime import log
from runtime.store import Tx
from runtime.store.audit import Deed, record
from runtime.work import Work
from terms.errors import Invalid, NotFound
from terms.facts import Condition, Possession, PossessionChanged
from terms.ids import ResourceId, ServiceId

COMPOSE = "compose"
NOTE_CHARS_MAX = 200
ACTOR_CHARS_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to one box. `before` is None for a box that is new.

    `other` is the box on the other side of a swap, `note` what somebody had to say of it. How it
    came back stands on the box itself.
    """

    action: str
    after: Resource
    actor: str
    before: Resource | None = None
    on: date | None = None
    note: str = ""
    other: ResourceId | None = None
    fact: PossessionChanged | None = None


class Move(Protocol):
    """What somebody did with one box."""

    @property
    def resource(self) -> ResourceId:
        """Which box."""
        ...


M = TypeVar("M", bound=Move)


async def each(
    tx: Tx, work: Work, moves: Sequence[M], step: Callable[[Resource, M], Step | None]
) -> list[Resource]:
    """Take boxes through their moves in order; returns them as they are then, one for each move.

    `step` works out what a move makes of a box, or None where it changes nothing. Raises NotFound
    and whatever `step` raises.
    """
    known = await locked(tx, [move.resource for move in moves])
    steps = []
    for move in moves:
        done = step(known[move.resource], move)
        if done is not None:
            steps.append(done)
            known[move.resource] = done.after
    await write(tx, work, steps)
    return [known[move.resource] for move in moves]


async def write(tx: Tx, work: Work, steps: Sequence[Step]) -> None:
    """Write steps down in their order. Raises Invalid for an actor without a name."""
    if not steps:
        return
    for step in steps:
        checked_actor(step.actor)
    now = work.clock.machine_now()
    await tx.upsert(store.resource, [_row(step, now) for step in steps], key=("id",))
    await tx.insert(store.resource_move, [_line(step, now) for step in steps])
    await record(tx, [_deed(step, now) for step in steps])
    facts = [(step.after, step.fact) for step in steps if step.fact is not None]
    await log.append(tx, [_entry(box, fact, now) for box, fact in facts])
    await work.mark(tx, COMPOSE, _services(steps))


async def locked(tx: Tx, ids: Iterable[ResourceId]) -> dict[ResourceId, Resource]:
    """Read boxes that are about to change; nobody else changes them meanwhile. Raises NotFound."""
    wanted = list(dict.fromkeys(ids))
    known = await store.locked(tx, wanted)
    for id_ in wanted:
        if id_ not in known:
            raise NotFound(f"no box {id_}")
    return known


def fact_of(
    kind: Possession,
    box: Resource,
    service: ServiceId,
    on: date,
    *,
    old: ResourceId | None = None,
    condition: Condition | None = None,
) -> PossessionChanged:
    """Word what billing is told."""
    return PossessionChanged(
        kind=kind,
        resource=box.id,
        service=service,
        serial=box.serial,
        model=box.model,
        on=on,
        old_resource=old,
        condition=condition,
    )


def checked_note(text: str) -> str:
    """Check what somebody has to say. Raises Invalid for an overlong or unprintable text."""
    if len(text) > NOTE_CHARS_MAX or not text.isprintable():
        raise Invalid("note", f"at most {NOTE_CHARS_MAX} printable characters")
    return text.strip()


def checked_actor(text: str) -> str:
    """Check who does something. Raises Invalid for nobody and for an overlong name."""
    if not 0 < len(text) <= ACTOR_CHARS_MAX:
        raise Invalid("actor", f"1 to {ACTOR_CHARS_MAX} characters")
    return text


def _services(steps: Sequence[Step]) -> list[ServiceId]:
    """Give the households whose boxes are others now."""
    boxes = [box for step in steps for box in (step.before, step.after) if box is not None]
    return [box.service for box in boxes if box.service is not None]


def _entry(box: Resource, fact: PossessionChanged, now: datetime) -> log.Entry:
    return log.Entry(
        id=f"possession:{box.id}:{box.moves}",
        kind=PossessionChanged.KIND,
        key=fact.service,
        value=fact.encode(),
        at=now,
    )


def _row(step: Step, now: datetime) -> dict[str, object]:
    box = step.after
    return {
        "id": box.id,
        "serial": box.serial,
        "mac": box.mac,
        "model": box.model,
        "state": box.state.value,
        "service": box.service,
        "place": box.place,
        "condition": box.condition.value if box.condition else None,
        "moves": box.moves,
        "changed_at": now,
        "changed_by": step.actor,
    }


def _line(step: Step, now: datetime) -> dict[str, object]:
    box = step.after
    return {
        "resource": box.id,
        "n": box.moves,
        "action": step.action,
        "state": box.state.value,
        "service": box.service,
        "place": box.place,
        "on": step.on,
        "note": step.note,
        "condition": _came_back(step),
        "other": step.other,
        "actor": step.actor,
        "at": now,
    }


def _came_back(step: Step) -> str | None:
    """Tell of a step that brings a box back in what condition."""
    box = step.after
    is_new = step.before is None or step.before.state is not box.state
    return box.condition.value if box.condition and is_new else None


def _deed(step: Step, now: datetime) -> Deed:
    return Deed(
        at=now,
        actor=step.actor,
        action=f"box.{step.action}",
        subject=f"box:{step.after.serial}",
        reason=step.note,
        before=_told(step.before),
        after=_told(step.after),
    )


def _told(box: Resource | None) -> str | None:
    if box is None:
        return None
    return f"{box.state} at {box.service or box.place}"
