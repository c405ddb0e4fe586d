"""A technician at a household: which jobs are his, which boxes he may look at, what he does there.

Somebody else's job is not there for him. A deed sent twice under one event is done once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.desk import boxes, hands, registration
from app.desk.auditing import note
from app.desk.boxes import Back, By, holder_at, holder_of, known
from app.identity.people import Person
from app.identity.roles import Right, may
from app.wiring import House
from billing.reads.accounts import Holder
from gateway.inventory import events, jobs
from gateway.inventory.jobs import Job, JobState
from gateway.inventory.model import SERIAL_CHARS_MAX, WAREHOUSE, Resource, ResourceState, told
from gateway.provisioning.keys import COMPOSE
from gateway.provisioning.reconcile import mark
from runtime.store import Tx
from terms.errors import InvalidTransition, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What somebody has to do, and what nobody has taken yet."""

    mine: list[Job]
    free: list[Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swappable:
    """A swap that would be done: which box for which, and at whose household.

    One that `pins_key` is trusted by the first key that it shows.
    """

    old: Resource
    new: Resource
    holder: Holder | None
    pins_key: bool


def by_of(person: Person) -> By:
    """Tell as whom somebody acts: out of his own van, or out of anything where he may move it."""
    moves_all = may(person.role, Right.MOVE_BOXES)
    return By(actor=person.actor, stock=None if moves_all else person.actor)


def van_of(by: By) -> str:
    """Tell where whatever he takes back lies from then on."""
    return by.stock or WAREHOUSE


async def work_of(tx: Tx, by: By) -> Work:
    """List what is open: for him, and for anybody."""
    return Work(
        mine=await jobs.listing(tx, assignee=by.actor, state=JobState.OPEN),
        free=await jobs.offered(tx),
    )


async def job_of(tx: Tx, by: By, id_: str) -> Job:
    """Find a job he may see: his own, or one for anybody. Raises NotFound for any other."""
    job = await jobs.found(tx, id_)
    is_free = not job.assignee and job.state is JobState.OPEN
    if by.stock is None or job.assignee == by.actor or is_free:
        return job
    raise NotFound(f"no job {id_!r}", field="job")


async def holder_for(tx: Tx, by: By, *, job: str, contract: str) -> tuple[Holder, Job | None]:
    """Find the household he is at, by his job or by the contract he typed.

    Raises NotFound, InvalidTransition for a job that is closed.
    """
    if not job:
        return await holder_of(tx, contract.strip()), None
    found = await job_of(tx, by, job)
    if found.state is not JobState.OPEN:
        raise InvalidTransition(f"the job is {found.state}: nothing more is done under it")
    return await holder_of(tx, found.contract), found


async def box_for(house: House, tx: Tx, by: By, serial: str) -> Resource:
    """Find a box that is in his hands. Raises NotFound for any other."""
    box = await boxes.find(tx, serial)
    if box is None or not await hands.is_in(tx, by, box, house.clock.machine_now()):
        raise NotFound(f"no box with serial {serial[:SERIAL_CHARS_MAX]!r} in your hands")
    return box


async def take(house: House, tx: Tx, by: By, id_: str) -> Job:
    """Take a job that is for anybody. Raises NotFound where somebody else has taken it."""
    await job_of(tx, by, id_)
    return await jobs.take(tx, house.work, id_, actor=by.actor)


async def close(house: House, tx: Tx, by: By, id_: str, outcome: JobState) -> Job:
    """Close a job of his."""
    await job_of(tx, by, id_)
    return await jobs.close(tx, house.work, id_, outcome, actor=by.actor)


async def swap(
    house: House, tx: Tx, old: str, new: str, *, by: By, back: Back, event: str
) -> Resource:
    """Give a household another box; the old one goes into his van. Returns the new one.

    Raises NotFound for a box that is not in his hands.
    """
    deed = f"swap {old} for {new}"
    if await _was_done(house, tx, by, event=event, deed=deed, about=new):
        return await known(tx, new)
    await _check_hands(house, tx, by, *await boxes.for_change(tx, old, new))
    return await boxes.swap(house, tx, old, new, by=by, back=replace(back, place=van_of(by)))


async def take_back(
    house: House, tx: Tx, serial: str, *, by: By, back: Back, event: str, job: str = ""
) -> Resource:
    """Take a box back into his van, and close his job with it where he came for that.

    Raises NotFound for a box that is not in his hands.
    """
    deed = f"take back {serial}"
    if await _was_done(house, tx, by, event=event, deed=deed, about=serial):
        return await known(tx, serial)
    await _check_hands(house, tx, by, *await boxes.for_change(tx, serial))
    there = replace(back, place=van_of(by))
    box = await boxes.take_back(house, tx, serial, actor=by.actor, back=there)
    if job:
        await close(house, tx, by, job, JobState.DONE)
    return box


async def check_returnable(
    house: House, tx: Tx, by: By, serial: str
) -> tuple[Resource, Holder | None]:
    """Find a box that he can take back, and who has it.

    Raises NotFound for one that is not in his hands, InvalidTransition for one nobody has.
    """
    box = await known(tx, serial)
    await _check_hands(house, tx, by, box)
    if not box.is_held and box.state is not ResourceState.LOST:
        raise InvalidTransition(f"{told(box)}: no household has it")
    return box, await holder_at(tx, box)


async def ask_again(house: House, tx: Tx, box: Resource, actor: str) -> None:
    """Have a box and its household's portals looked at now, parked or not."""
    if not box.is_held or box.service is None:
        return
    await house.work.mark(tx, COMPOSE, [box.service])
    await mark(tx, house.work, services=[box.service])
    await note(house, tx, actor=actor, action="box.ask", subject=f"box:{box.serial}")


async def check_swap(house: House, tx: Tx, old: str, new: str, *, by: By) -> Swappable:
    """Find what a swap is about. Raises what `swap` would, before anybody unplugs anything."""
    before, holder = await check_returnable(house, tx, by, old)
    after = await known(tx, new)
    if not before.is_held:
        raise InvalidTransition(f"box {before.serial} is lost: take it back instead")
    if before.id == after.id:
        raise InvalidTransition(f"box {before.serial} cannot be given for itself: scan the new one")
    await _check_hands(house, tx, by, after)
    if holder is not None:
        await boxes.check_free(tx, after, holder)
    await boxes.check_reach(tx, after, by)
    await boxes.check_served(house, tx, holder)
    pins_key = await registration.pins_key(tx, after)
    return Swappable(old=before, new=after, holder=holder, pins_key=pins_key)


async def _check_hands(house: House, tx: Tx, by: By, *concerned: Resource) -> None:
    """Raise NotFound for a box of somebody else's; where one in stock lies is said elsewhere."""
    theirs = [box for box in concerned if box.service is not None]
    await hands.check(tx, by, *theirs, now=house.clock.machine_now())


async def _was_done(house: House, tx: Tx, by: By, *, event: str, deed: str, about: str) -> bool:
    now = house.clock.machine_now()
    before = await events.begin(tx, actor=by.actor, event=event, deed=deed, about=about, now=now)
    return before is not None
