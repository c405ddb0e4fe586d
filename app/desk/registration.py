"""A box is registered for a household: known, in reach, handed over, ready to show its first key.

What a technician does in the field, and the office at the command line. Sent twice under one event
it is done once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from app.desk import boxes, hands
from app.desk.auditing import note
from app.desk.boxes import By, check_free, check_reach, check_served, holder_of
from app.wiring import House
from billing.reads import accounts
from billing.reads.accounts import TOPIC, Holder
from gateway.adapters.registry import adapter_class
from gateway.adapters.sdk import BoxAdapter
from gateway.inventory import events, flows, models, store
from gateway.inventory.flows import HandOver, NewBox
from gateway.inventory.logins import Described
from gateway.inventory.model import Resource, normal_mac
from gateway.provisioning import targets
from gateway.provisioning.reconcile import mark
from runtime import log
from runtime.store import Tx
from terms.entitlement import Entitlement
from terms.errors import Forbidden, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Which box, for whom. `model` makes a box known that nobody knows yet.

    `place` is where it stands there, `event` the number the client gave this deed.
    """

    serial: str
    contract: str
    model: str = ""
    mac: str = ""
    place: str = ""
    on: date | None = None
    address: str = ""
    host_key: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausible:
    """A registration that would be done: which box, for whom; `rights` is None before any.

    `watched` names what the household has; a box that `pins_key` is trusted by the first key that
    it shows.
    """

    box: Resource
    holder: Holder
    rights: Entitlement | None
    watched: Sequence[str]
    pins_key: bool


async def register(house: House, tx: Tx, wanted: Registration, *, by: By) -> Resource:
    """Register a box for a household; the same again is harmless.

    Raises, each with what can be done about it: NotFound, Invalid naming the field, Forbidden for
    a box of another stock, InvalidTransition for one that somebody has.
    """
    wanted = await _spelt(tx, wanted)
    if await _was_done(house, tx, wanted, by):
        return await boxes.known(tx, wanted.serial)
    holder = await holder_of(tx, wanted.contract)
    box = await _known(tx, wanted, by)
    if box is None:
        new = NewBox(serial=wanted.serial, model=wanted.model, mac=wanted.mac or None)
        await boxes.register(house, tx, new, by.actor)
    (box,) = await boxes.for_change(tx, wanted.serial)
    await _check(house, tx, box, holder, by)
    day = await boxes.day_behind(tx, box, wanted.on, await boxes.today(house, tx, holder))
    move = HandOver(
        resource=box.id, service=holder.service, on=day, actor=by.actor, place=wanted.place
    )
    (moved,) = await flows.hand_over(tx, house.work, [move])
    await boxes.settle(house, tx, holder)
    told = Described(
        resource=box.id,
        address=wanted.address,
        secrets=wanted.secrets,
        host_key=wanted.host_key,
    )
    await house.logins.describe(tx, [told])
    await _note(house, tx, wanted, by.actor)
    await house.logins.open_window(tx, box.id)
    if box.is_held:
        # It was parked perhaps, or its key refused: whoever registers it again wants it asked.
        await mark(tx, house.work, services=[holder.service])
    return moved


async def check(house: House, tx: Tx, wanted: Registration, *, by: By) -> Plausible:
    """Tell what a registration would mean, and change nothing. Raises what `register` raises."""
    wanted = await _spelt(tx, wanted)
    holder = await holder_of(tx, wanted.contract)
    box = await _known(tx, wanted, by)
    if box is None:
        raise NotFound(
            f"no box with serial {wanted.serial}: have it registered by the office", field="serial"
        )
    await _check(house, tx, box, holder, by)
    today = await boxes.today(house, tx, holder)
    return Plausible(
        box=box,
        holder=holder,
        rights=await _rights(tx, holder),
        watched=await accounts.goes_on(tx, holder.service, today),
        pins_key=await pins_key(tx, box),
    )


async def pins_key(tx: Tx, box: Resource) -> bool:
    """Tell whether the target that drives such boxes keeps the first key that one shows."""
    driver = (await targets.drivers(tx)).get(box.model)
    if driver is None:
        return False
    cls = adapter_class((await targets.find(tx, driver)).kind)
    return issubclass(cls, BoxAdapter) and cls.pins_keys


async def _rights(tx: Tx, holder: Holder) -> Entitlement | None:
    snapshot = (await log.newest(tx, TOPIC, [holder.service])).get(holder.service)
    return Entitlement.decode(snapshot.value, revision=snapshot.revision) if snapshot else None


async def _spelt(tx: Tx, wanted: Registration) -> Registration:
    """Write the serial as the box that is meant has it, or as one of its model would."""
    box = await boxes.find(tx, wanted.serial)
    serial = box.serial if box else models.spelt(await models.load(tx), wanted.serial)
    return replace(wanted, serial=serial)


async def _was_done(house: House, tx: Tx, wanted: Registration, by: By) -> bool:
    if not wanted.event:
        return False
    before = await events.begin(
        tx,
        actor=by.actor,
        event=wanted.event,
        deed=f"register {wanted.serial} for {wanted.contract}",
        about=wanted.serial,
        now=house.clock.machine_now(),
    )
    return before is not None


async def _known(tx: Tx, wanted: Registration, by: By) -> Resource | None:
    """Find the box; None where it may be made known by this."""
    found = (await store.by_serial(tx, [wanted.serial])).get(wanted.serial)
    if found is not None:
        _compare(found, wanted)
        return found
    if why := models.typed(await models.load(tx), wanted.serial):
        raise Invalid("serial", why)
    if by.stock is not None:
        raise Forbidden(
            f"nobody knows a box with serial {wanted.serial}: read the label again, "
            "or have the office register it"
        )
    if not wanted.model:
        raise NotFound(
            f"no box with serial {wanted.serial}: read the label again, or give its model",
            field="serial",
        )
    return None


async def _check(house: House, tx: Tx, box: Resource, holder: Holder, by: By) -> None:
    if not box.is_held:
        await check_reach(tx, box, by)
        await check_served(house, tx, holder)
        return
    await hands.check(tx, by, box, now=house.clock.machine_now())
    await check_free(tx, box, holder)


def _compare(box: Resource, wanted: Registration) -> None:
    if wanted.model and wanted.model != box.model:
        raise Invalid(
            "model",
            f"box {box.serial} is a {box.model}, not a {wanted.model}: compare the label; "
            "if it is right, the office has to correct the list",
        )
    if wanted.mac and normal_mac(wanted.mac) != box.mac:
        raise Invalid(
            "mac",
            f"box {box.serial} has the MAC {box.mac or 'none'}: compare the label; "
            "if it is right, the office has to correct the list",
        )


async def _note(house: House, tx: Tx, wanted: Registration, actor: str) -> None:
    """Write down that somebody told how to reach the box: what was told, not with which words."""
    told = [name for name in ("address", "host_key") if getattr(wanted, name)]
    told += sorted(wanted.secrets)
    if told:
        await note(
            house,
            tx,
            actor=actor,
            action="box.describe",
            subject=f"box:{wanted.serial}",
            after=", ".join(told),
        )
