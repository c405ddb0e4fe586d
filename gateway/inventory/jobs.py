"""A technician's jobs: what is to be done where, by whom, until when it was done.

It knows an actor's id and no person. A contract is a label for whoever goes there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Index, String, Table, select, update

from gateway.inventory import events
from gateway.inventory.moving import COMPOSE, checked_actor
from runtime.chance import new_id
from runtime.store import Instant, Tx, metadata
from runtime.store.audit import Deed, record
from runtime.work import Work
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.ids import ServiceId

NOTE_CHARS_MAX = 400
CONTRACT_CHARS_MAX = 40
JOBS_MAX = 500

job = Table(
    "job",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("service", String(40), nullable=False),
    Column("contract", String(CONTRACT_CHARS_MAX), nullable=False),
    Column("assignee", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("note", String(NOTE_CHARS_MAX), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", String(80), nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(80)),
    # What it was opened for by itself, as long as that lasts; none where a person opened it.
    Column("reason", String(80)),
    Index(None, "reason", unique=True),
    Index(None, "assignee", "state"),
    Index(None, "state", "opened_at"),
    Index(None, "service", "id"),
)
_C = job.c


class JobKind(StrEnum):
    """What is to be done."""

    INSTALL = "install"
    SWAP = "swap"
    RETURN = "return"


class JobState(StrEnum):
    """What has become of it."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


ALLOWED: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.OPEN: frozenset({JobState.DONE, JobState.CANCELLED}),
        JobState.DONE: frozenset(),
        JobState.CANCELLED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be opened. `assignee` is empty where anybody may take it.

    There is one job for one `reason`; a job that a person opens has none.
    """

    kind: JobKind
    service: ServiceId
    contract: str
    assignee: str = ""
    note: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands."""

    id: str
    kind: JobKind
    service: ServiceId
    contract: str
    assignee: str
    state: JobState
    note: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None


async def open_job(tx: Tx, work: Work, new: NewJob, *, actor: str, event: str = "") -> Job:
    """Open a job; under the same event again it is the same job.

    Raises Invalid for overlong texts, Duplicate for an event that was something else.
    """
    _check(new)
    checked_actor(actor)
    now = work.clock.machine_now()
    id_ = new_id(now, work.chance)
    if event:
        deed = f"open {new.kind} for {new.contract}"
        before = await events.begin(tx, actor=actor, event=event, deed=deed, about=id_, now=now)
        if before is not None:
            return await found(tx, before)
    await tx.insert(job, [row_of(new, id_, now, actor)])
    await record(tx, [opened(new, id_, now, actor)])
    return await found(tx, id_)


async def close(tx: Tx, work: Work, id_: str, to: JobState, *, actor: str) -> Job:
    """Close a job as done or cancelled; one that is so already is left as it is.

    Raises NotFound, and InvalidTransition for one that was closed the other way.
    """
    checked_actor(actor)
    row = await tx.first(select(job).where(_C.id == id_).with_for_update())
    if row is None:
        raise NotFound(f"no job {id_!r}", field="job")
    before = job_of(row)
    if before.state is to:
        return before
    if to not in ALLOWED[before.state]:
        raise InvalidTransition(f"job {id_} is {before.state}: it cannot become {to}")
    now = work.clock.machine_now()
    values = {"state": to.value, "closed_at": now, "closed_by": actor}
    await tx.execute(update(job).where(_C.id == id_).values(**values))
    await _note(
        tx, work, id_, action="job.close", actor=actor, before=before.state.value, after=to.value
    )
    # Where boxes are missing all the same, that is seen now.
    await work.mark(tx, COMPOSE, [before.service])
    return await found(tx, id_)


async def assign(tx: Tx, work: Work, id_: str, assignee: str, *, actor: str) -> Job:
    """Give an open job to somebody, or back to anybody, which is nobody.

    Raises NotFound, InvalidTransition for a closed one.
    """
    if assignee:
        checked_actor(assignee)
    before = await found(tx, id_)
    if before.state is not JobState.OPEN:
        raise InvalidTransition(f"job {id_} is {before.state}: nobody can take it any more")
    still_open = update(job).where(_C.id == id_, _C.state == JobState.OPEN.value)
    await tx.execute(still_open.values(assignee=assignee))
    await _note(
        tx, work, id_, action="job.assign", actor=actor, before=before.assignee, after=assignee
    )
    return await found(tx, id_)


async def take(tx: Tx, work: Work, id_: str, *, actor: str) -> Job:
    """Take an open job that nobody has; one's own is left as it is.

    Raises NotFound where somebody else has it, InvalidTransition for a closed one.
    """
    checked_actor(actor)
    free = (_C.id == id_, _C.state == JobState.OPEN.value, _C.assignee == "")
    taken = await tx.execute(update(job).where(*free).values(assignee=actor))
    after = await found(tx, id_)
    if after.assignee != actor:
        raise NotFound(f"no job {id_!r}", field="job")
    if after.state is not JobState.OPEN:
        raise InvalidTransition(f"job {id_} is {after.state}: nobody can take it any more")
    if taken.rowcount:
        await _note(tx, work, id_, action="job.assign", actor=actor, after=actor)
    return after


async def found(tx: Tx, id_: str) -> Job:
    """Read one job. Raises NotFound."""
    row = await tx.first(select(job).where(_C.id == id_))
    if row is None:
        raise NotFound(f"no job {id_!r}", field="job")
    return job_of(row)


async def listing(
    tx: Tx,
    *,
    assignee: str = "",
    state: str = "",
    service: ServiceId | None = None,
    after: str = "",
    jobs_max: int = JOBS_MAX,
) -> list[Job]:
    """List jobs in the order they were opened, behind one; of somebody, in a state, at one place.

    The place is a household.
    """
    query = select(job).where(_C.id > after).order_by(_C.id).limit(jobs_max)
    query = query.where(_C.assignee == assignee) if assignee else query
    query = query.where(_C.state == state) if state else query
    query = query.where(_C.service == service) if service else query
    return [job_of(row) for row in await tx.rows(query)]


async def offered(tx: Tx, *, jobs_max: int = JOBS_MAX) -> list[Job]:
    """List the open jobs that anybody may take, in the order they were opened."""
    free = (_C.assignee == "", _C.state == JobState.OPEN.value)
    query = select(job).where(*free).order_by(_C.id).limit(jobs_max)
    return [job_of(row) for row in await tx.rows(query)]


def _check(new: NewJob) -> None:
    for field, text, chars_max in (
        ("note", new.note, NOTE_CHARS_MAX),
        ("assignee", new.assignee, 80),
        ("contract", new.contract, CONTRACT_CHARS_MAX),
    ):
        if len(text) > chars_max or not text.isprintable():
            raise Invalid(field, f"at most {chars_max} printable characters")


def job_of(row: Any) -> Job:
    """Read a row as a job."""
    told = row._asdict()
    return Job(**{**told, "kind": JobKind(row.kind), "state": JobState(row.state)})


def row_of(new: NewJob, id_: str, now: datetime, actor: str) -> dict[str, object]:
    """Write a job that is opened now as a row."""
    return {
        "id": id_,
        "kind": new.kind.value,
        "service": new.service,
        "contract": new.contract,
        "assignee": new.assignee,
        "state": JobState.OPEN.value,
        "note": new.note,
        "opened_at": now,
        "opened_by": actor,
        "closed_at": None,
        "closed_by": None,
        "reason": new.reason,
    }


async def _note(
    tx: Tx, work: Work, id_: str, *, action: str, actor: str, after: str, before: str = ""
) -> None:
    deed = deed_of(id_, work.clock.machine_now(), action, actor, after)
    await record(tx, [replace(deed, before=before or None)])


def opened(new: NewJob, id_: str, now: datetime, actor: str) -> Deed:
    """Word the opening of a job for the audit."""
    what = f"{new.kind} for {new.contract}"
    return deed_of(id_, now, "job.open", actor, what, reason=new.note)


def deed_of(
    id_: str, now: datetime, action: str, actor: str, after: str, *, reason: str = ""
) -> Deed:
    """Word a deed about a job for the audit."""
    subject = f"job:{id_}"
    return Deed(at=now, actor=actor, action=action, subject=subject, after=after, reason=reason)
