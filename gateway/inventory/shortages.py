"""Households that have fewer boxes than they are granted: a job opens, and closes, by itself.

Worked out anew whenever a household is looked at. There is one job for one shortage; where a person
has closed it, it is not opened again until the shortage is another one. An operator that gives no
boxes out, or keeps its jobs elsewhere, has none opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from gateway.inventory.jobs import (
    Job,
    JobKind,
    JobState,
    NewJob,
    deed_of,
    job,
    job_of,
    opened,
    row_of,
)
from gateway.inventory.sending import Sending
from gateway.inventory.sending import load as load_sending
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.audit import record
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Work
from terms.ids import ServiceId

ACTOR = "inventory"
_C = job.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """How many boxes a household is granted, and how many it has.

    Where it `is_on_hold` it gets no more of them for now, and what is under way goes on.
    """

    service: ServiceId
    granted: int
    held: int
    is_on_hold: bool = False

    @property
    def is_short(self) -> bool:
        """Whether boxes are missing."""
        return self.held < self.granted

    @property
    def reason(self) -> str:
        """Name the shortage: another one has another name."""
        return f"boxes:{self.service}:{self.held}/{self.granted}"

    @property
    def note(self) -> str:
        """Tell it to whoever goes there."""
        return f"has {self.held} of {self.granted} boxes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A job as it was, and what it is to be now."""

    before: Job
    state: JobState
    note: str
    reason: str | None

    @property
    def is_closing(self) -> bool:
        """Whether it ends the job."""
        return self.state is not self.before.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the jobs of one household, and whether another one is to be opened."""

    changes: tuple[Change, ...] = ()
    is_to_open: bool = False


def decide(supply: Supply, jobs: Sequence[Job], sending: Sending) -> Decision:
    """Compare the jobs there are about a household's boxes with what it lacks."""
    own = [one for one in jobs if one.reason]
    others = [one for one in own if one.reason != supply.reason]
    if not supply.is_short:
        return Decision(changes=tuple(_over(one, _outcome(one, supply)) for one in own))
    sends_anyway = any(not one.reason and one.kind is JobKind.INSTALL for one in jobs)
    if sends_anyway or sending is Sending.BY_HAND:
        return Decision(changes=tuple(_over(one, JobState.CANCELLED) for one in own))
    if any(one.state is JobState.OPEN for one in own):
        return Decision(changes=tuple(_kept_up(one, supply) for one in others))
    return Decision(
        changes=tuple(_over(one, one.state) for one in others),
        is_to_open=len(others) == len(own) and not supply.is_on_hold,
    )


def _outcome(one: Job, supply: Supply) -> JobState:
    """Judge a shortage that is over: the boxes came, or fewer are granted now."""
    has_come = str(one.reason).endswith(f"/{supply.granted}")
    return JobState.DONE if has_come else JobState.CANCELLED


def _over(one: Job, outcome: JobState) -> Change:
    """End the shortage of a job; one that a person has closed stays closed as it is."""
    to = outcome if one.state is JobState.OPEN else one.state
    return Change(before=one, state=to, note=one.note, reason=None)


def _kept_up(one: Job, supply: Supply) -> Change:
    if one.state is not JobState.OPEN:
        return _over(one, one.state)
    return Change(before=one, state=one.state, note=supply.note, reason=supply.reason)


async def balance(tx: Tx, work: Work, supplies: Iterable[Supply]) -> list[Supply]:
    """Close and change jobs as the boxes are now; returns the households that lack a job."""
    known = {one.service: one for one in supplies}
    is_short = any(one.is_short for one in known.values())
    sending = await load_sending(tx) if is_short else Sending.AUTOMATIC
    jobs = await _concerning(tx, known)
    found = {service: decide(one, jobs.get(service, ()), sending) for service, one in known.items()}
    changes = [each for one in found.values() for each in one.changes]
    await _change(tx, work, changes, actor=ACTOR, why="the shortage is over")
    return [known[service] for service, one in found.items() if one.is_to_open]


async def give_way(tx: Tx, work: Work, service: ServiceId) -> None:
    """Cancel what has opened by itself at a household to which a person sends somebody."""
    own = [one for one in (await _concerning(tx, [service])).get(service, ()) if one.reason]
    over = [_over(one, JobState.CANCELLED) for one in own]
    await _change(tx, work, over, actor=ACTOR, why="somebody is sent by hand")


async def open_for(
    tx: Tx, work: Work, short: Sequence[Supply], contracts: Mapping[ServiceId, str]
) -> None:
    """Open a job for each household; one whose contract nobody knows cannot be found anyway."""
    new = [
        NewJob(
            kind=JobKind.INSTALL,
            service=one.service,
            contract=contracts[one.service],
            note=one.note,
            reason=one.reason,
        )
        for one in short
        if one.service in contracts
    ]
    await _open(tx, work, new, actor=ACTOR)


async def _open(tx: Tx, work: Work, jobs: Sequence[NewJob], *, actor: str) -> None:
    """Open many jobs, each for its own reason; a reason that has its job already gets no other."""
    if not jobs:
        return
    now = work.clock.machine_now()
    named = [(new_id(now, work.chance), new) for new in jobs]
    await tx.insert_new(job, [row_of(new, id_, now, actor) for id_, new in named], key=("reason",))
    mine = select(_C.id).where(among(tx.engine, _C.id))
    rows = await tx.rows(mine, {KEYS: packed(tx.engine, [id_ for id_, _ in named])})
    is_open = {row.id for row in rows}
    await record(tx, [opened(new, id_, now, actor) for id_, new in named if id_ in is_open])


async def _change(tx: Tx, work: Work, changes: Sequence[Change], *, actor: str, why: str) -> None:
    """Change and close many jobs; one that somebody has closed meanwhile stays as it is."""
    now = work.clock.machine_now()
    as_before = update(job).where(_C.id == bindparam("job"), _C.state == bindparam("was"))
    values = [
        {
            "job": one.before.id,
            "was": one.before.state.value,
            "state": one.state.value,
            "note": one.note,
            "reason": one.reason,
            "closed_at": now if one.is_closing else one.before.closed_at,
            "closed_by": actor if one.is_closing else one.before.closed_by,
        }
        for one in changes
    ]
    if values:
        columns = ("state", "note", "reason", "closed_at", "closed_by")
        await tx.execute(as_before.values({name: bindparam(name) for name in columns}), values)
    closed = [one for one in changes if one.is_closing]
    await record(
        tx,
        [
            deed_of(one.before.id, now, "job.close", actor, one.state.value, reason=why)
            for one in closed
        ],
    )


async def _concerning(tx: Tx, services: Iterable[ServiceId]) -> dict[ServiceId, list[Job]]:
    """Find what is open at households, and what was opened there for a reason that lasts."""
    found: dict[ServiceId, list[Job]] = {}
    for row in await _LASTING.rows(tx, {KEYS: packed(tx.engine, services)}):
        found.setdefault(ServiceId(row.service), []).append(job_of(row))
    return found


def _lasting(engine: Engine) -> Any:
    lasts = or_(_C.state == JobState.OPEN.value, _C.reason.is_not(None))
    return select(job).where(among(engine, _C.service), lasts).order_by(_C.id)


_LASTING = PreparedQuery(_lasting)
