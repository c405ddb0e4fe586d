"""Boxes become known: from a purchase list, over the counter, by a technician in the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.inventory import models, quarantine, store
from gateway.inventory.model import (
    WAREHOUSE,
    Resource,
    checked_model,
    checked_place,
    checked_serial,
    normal_mac,
)
from gateway.inventory.models import Models
from gateway.inventory.moving import Step, write
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.alone import Alone, alone
from runtime.work import Work
from terms.errors import Duplicate
from terms.ids import ResourceId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBox:
    """A box to be known. A box without a MAC is bound to no middleware."""

    serial: str
    model: str
    mac: str | None = None
    place: str = WAREHOUSE


async def register(
    tx: Tx, work: Work, boxes: Sequence[NewBox], *, actor: str = "import"
) -> list[Resource]:
    """Make boxes known, in stock; one known already with the same content is left as it is.

    One that waited in quarantine leaves it. Raises Invalid for a serial, MAC or model that cannot
    be, Duplicate naming what is taken.
    """
    told = await models.load(tx)
    wanted = [_checked(box, told) for box in boxes]
    _refuse_repeats(wanted)
    known = await _known(tx, wanted)
    holders = await store.by_mac(tx, [box.mac for box in wanted if box.mac])
    now = work.clock.machine_now()
    made = [known.get(box.serial) or _made(box, now, work) for box in wanted]
    for box, is_now in zip(wanted, made, strict=True):
        _compare(box, is_now, holders)
        if box.serial not in known:
            models.check(told, model=box.model, serial=box.serial)
    fresh = [box for box in made if box.serial not in known]
    await write(tx, work, [Step(action="register", after=box, actor=actor) for box in fresh])
    await quarantine.promote(tx, [box.serial for box in fresh])
    return made


async def _known(tx: Tx, wanted: Sequence[NewBox]) -> Mapping[str, Resource]:
    """Find which boxes are known; nobody makes others known until the transaction ends."""
    serials = [box.serial for box in wanted]
    known = await store.by_serial(tx, serials)
    if len(known) == len(wanted):
        return known
    await alone(tx, Alone.REGISTER_BOXES)
    return await store.by_serial(tx, serials)


def _refuse_repeats(wanted: Sequence[NewBox]) -> None:
    for field, values in (
        ("serial", [box.serial for box in wanted]),
        ("mac", [box.mac for box in wanted if box.mac]),
    ):
        twice = _first_repeated(values)
        if twice:
            raise Duplicate(f"{field} {twice} is given twice", field=field)


def _checked(box: NewBox, told: Models) -> NewBox:
    return NewBox(
        serial=models.spelt(told, checked_serial(box.serial)),
        model=checked_model(box.model),
        mac=normal_mac(box.mac) if box.mac else None,
        place=checked_place(box.place),
    )


def _made(box: NewBox, now: datetime, work: Work) -> Resource:
    id_ = ResourceId(new_id(now, work.chance))
    return Resource(id=id_, serial=box.serial, mac=box.mac, model=box.model, place=box.place)


def _compare(wanted: NewBox, known: Resource, holders: Mapping[str, Resource]) -> None:
    if (known.mac, known.model) != (wanted.mac, wanted.model):
        raise Duplicate(
            f"serial {wanted.serial} is known as {known.model} with MAC {known.mac or 'none'}",
            field="serial",
        )
    holder = holders.get(wanted.mac) if wanted.mac else None
    if holder is not None and holder.serial != wanted.serial:
        raise Duplicate(
            f"mac {wanted.mac} belongs to the box with serial {holder.serial}", field="mac"
        )


def _first_repeated(values: Iterable[str]) -> str:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return ""
