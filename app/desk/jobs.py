"""Jobs as the office opens them: by contract, for somebody."""

from __future__ import annotations

from app.desk import places
from app.desk.boxes import check_served, holder_of
from app.wiring import House
from gateway.inventory import jobs, shortages
from gateway.inventory.jobs import Job, JobKind, JobState, NewJob
from runtime.store import Tx
from terms.errors import Invalid


async def open_job(
    house: House,
    tx: Tx,
    *,
    kind: str,
    contract: str,
    assignee: str,
    note: str,
    actor: str,
    event: str = "",
) -> Job:
    """Open a job at a household; under the same event again it is the same job.

    Raises NotFound, Invalid naming the field, InvalidTransition where the contract has ended and
    the job is not to bring something back from there.
    """
    holder = await holder_of(tx, contract)
    wanted = _kind(kind)
    if wanted is not JobKind.RETURN:
        await check_served(house, tx, holder)
    new = NewJob(
        kind=wanted,
        service=holder.service,
        contract=holder.contract,
        assignee=await places.person(tx, assignee),
        note=note,
    )
    opened = await jobs.open_job(tx, house.work, new, actor=actor, event=event)
    if wanted is JobKind.INSTALL:
        await shortages.give_way(tx, house.work, holder.service)
    return opened


async def close(house: House, tx: Tx, id_: str, outcome: str, *, actor: str) -> Job:
    """Close a job as done or cancelled. Raises Invalid for any other outcome."""
    known = {"done": JobState.DONE, "cancelled": JobState.CANCELLED}
    if outcome not in known:
        raise Invalid("outcome", f"{outcome!r} is none of {', '.join(known)}")
    return await jobs.close(tx, house.work, id_, known[outcome], actor=actor)


async def assign(house: House, tx: Tx, id_: str, assignee: str, *, actor: str) -> Job:
    """Give an open job to somebody, or back to anybody. Raises Invalid for one nobody knows."""
    to = await places.person(tx, assignee)
    return await jobs.assign(tx, house.work, id_, to, actor=actor)


async def listing(
    tx: Tx, *, assignee: str = "", state: str = "", after: str = "", jobs_max: int
) -> list[Job]:
    """List jobs in the order they were opened, behind one; of somebody, in a state."""
    whose = (await places.load(tx)).sought(assignee) if assignee else ""
    return await jobs.listing(tx, assignee=whose, state=state, after=after, jobs_max=jobs_max)


def _kind(text: str) -> JobKind:
    try:
        return JobKind(text)
    except ValueError:
        raise Invalid("kind", f"{text!r} is none of {', '.join(JobKind)}") from None
