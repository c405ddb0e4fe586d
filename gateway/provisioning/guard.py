"""The blast-radius guard: no run switches off more than a set share of a target without a person.

It is asked before a write that turns an account off. When those switched off within the last hour
and those about to be are too many, all that ask are stopped and the operator decides: approve lets
exactly them through, reject keeps their accounts on until something newer is wished. Decisions
stand in the database, so that batches, workers and restarts share them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.tables import darkening, observed, wish
from gateway.provisioning.tables import target as targets
from gateway.provisioning.targets import Target, find
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Work
from runtime.work import work as work_table
from terms.errors import Permanent
from terms.ids import TargetName

WINDOW = timedelta(hours=1)
_D = darkening.c


class Verdict(StrEnum):
    """What was said to one subject's switching off at one target."""

    COUNTED = "counted"  # within the limit: it went dark
    STOPPED = "stopped"  # waits for the operator
    APPROVED = "approved"  # the operator let it through; it does not count
    REJECTED = "rejected"  # the operator keeps it on


# Words of a person, or words that wait for one: they hold until the account stays on after all.
LASTING = (Verdict.STOPPED, Verdict.REJECTED, Verdict.APPROVED)


class StoppedByGuard(Permanent):
    """The write is not made: too many accounts would go dark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a target stands: `would` of `base` accounts ask to go dark, `limit` may per hour.

    `on` are on now; the base also has those that went dark within the window.
    """

    on: int
    base: int
    limit: int
    counted: int
    would: int
    stopped: int

    @property
    def is_stopped(self) -> bool:
        """Whether a decision is awaited."""
        return self.stopped > 0


def limit_of(target: Target, base: int) -> int:
    """How many accounts may go dark within the window: the share of the base, or the floor."""
    return max(target.guard_floor, base * target.guard_share_percent // 100)


async def standing(tx: Tx, target: Target, *, now: datetime) -> Standing:
    """Count what went dark, what is about to and what was stopped."""
    async with _whole_tables(tx):
        return await _counted(tx, target, now - WINDOW)


async def _counted(tx: Tx, target: Target, since: datetime) -> Standing:
    recent = and_(_D.target == target.name, _D.at > since)
    counted = int(await tx.scalar(_count(recent, _D.verdict == Verdict.COUNTED)))
    stopped = int(await tx.scalar(_count(_D.target == target.name, _D.verdict == Verdict.STOPPED)))
    pending = select(func.count()).select_from(_pending(target.name, since).subquery())
    o = observed.c
    is_on = select(func.count()).where(o.target == target.name, o.enabled.is_(True))
    went_dark = select(func.count()).where(
        o.target == target.name,
        o.enabled.is_(False),
        exists().where(recent, _D.verdict == Verdict.COUNTED, _D.subject == o.subject),
    )
    on = int(await tx.scalar(is_on))
    base = on + int(await tx.scalar(went_dark))
    return Standing(
        on=on,
        base=base,
        limit=limit_of(target, base),
        counted=counted,
        would=stopped + int(await tx.scalar(pending)),
        stopped=stopped,
    )


@asynccontextmanager
async def _whole_tables(tx: Tx) -> AsyncIterator[None]:
    """Have tables joined as a whole: all rows are counted, and that a table is small may be old.

    PostgreSQL keeps the plan it made while hardly anything was there, which for each row of one
    reads all of another: seconds, at ten thousand.
    """
    if tx.engine != "postgresql":
        yield
        return
    await tx.driver("SET LOCAL enable_nestloop = off")
    yield
    await tx.driver("SET LOCAL enable_nestloop = on")


async def decide(
    tx: Tx, target: Target, asking: Mapping[str, int], *, now: datetime
) -> dict[str, Verdict]:
    """Judge subjects that would be switched off; `asking` gives the revision of each wish.

    All of a batch go through or none: half a wrong run is wrong, too.
    """
    # One judge at a time for each target.
    await tx.execute(select(targets.c.name).where(targets.c.name == target.name).with_for_update())
    given = {"target": target.name, KEYS: packed(tx.engine, asking)}
    known = {row.subject: row for row in await _KNOWN.rows(tx, given)}
    verdicts: dict[str, Verdict] = {}
    for subject, revision in asking.items():
        row = known.get(subject)
        if row is not None and _still_holds(row.verdict, row.revision, row.at, revision, now):
            verdicts[subject] = Verdict(row.verdict)
    fresh = [subject for subject in asking if subject not in verdicts]
    if not fresh:
        return verdicts
    is_now = await standing(tx, target, now=now)
    # Those asking are among the pending, except where the target had been changed by hand.
    waiting = max(is_now.would - is_now.stopped, len(fresh))
    stops = is_now.is_stopped or is_now.counted + waiting > is_now.limit
    verdict = Verdict.STOPPED if stops else Verdict.COUNTED
    await _write(tx, target.name, {subject: asking[subject] for subject in fresh}, verdict, now)
    return verdicts | dict.fromkeys(fresh, verdict)


async def approve(tx: Tx, work: Work, target: str, *, subjects: Sequence[str] = ()) -> int:
    """Let through all that were stopped and all that wait behind them; returns how many.

    With `subjects` only those, also where they had been rejected.
    """
    name = (await find(tx, target)).name
    now = work.clock.machine_now()
    if subjects:
        waiting = (Verdict.STOPPED, Verdict.REJECTED)
        chosen = await _answer(tx, work, name, Verdict.APPROVED, to=waiting, only=subjects)
        return len(chosen)
    behind = {row.subject: row.revision for row in await tx.rows(_pending(name, now - WINDOW))}
    await _write(tx, name, behind, Verdict.APPROVED, now)
    stopped = await _answer(tx, work, name, Verdict.APPROVED)
    return len({*stopped, *behind})


async def reject(tx: Tx, work: Work, target: str) -> int:
    """Keep on all that were stopped, until something newer is wished; returns how many."""
    name = (await find(tx, target)).name
    return len(await _answer(tx, work, name, Verdict.REJECTED))


async def forget(tx: Tx, target: TargetName, subjects: Sequence[str]) -> None:
    """Drop what was said about subjects that are to stay on after all."""
    if subjects:
        await tx.execute(
            delete(darkening).where(
                _D.target == target, _D.subject.in_(list(subjects)), _D.verdict.in_(LASTING)
            )
        )


async def _answer(
    tx: Tx,
    work: Work,
    target: TargetName,
    verdict: Verdict,
    *,
    to: Sequence[Verdict] = (Verdict.STOPPED,),
    only: Sequence[str] = (),
) -> list[str]:
    """Answer those who wait; each row is then looked at again and finds the answer."""
    asked = and_(_D.target == target, _D.verdict.in_(to))
    if only:
        asked = and_(asked, _D.subject.in_(list(only)))
    subjects = [row.subject for row in await tx.rows(select(_D.subject).where(asked))]
    now = work.clock.machine_now()
    await tx.execute(update(darkening).where(asked).values(verdict=verdict.value, at=now))
    await work.release(tx, RECONCILE, [key_of(subject, target) for subject in subjects])
    return subjects


async def _write(
    tx: Tx, target: TargetName, asking: Mapping[str, int], verdict: Verdict, now: datetime
) -> None:
    rows = [
        {
            "target": target,
            "subject": subject,
            "revision": revision,
            "verdict": verdict.value,
            "at": now,
        }
        for subject, revision in asking.items()
    ]
    await tx.upsert(darkening, rows, key=("target", "subject"))


def _still_holds(said: str, at_revision: int, at: datetime, revision: int, now: datetime) -> bool:
    if said == Verdict.STOPPED:
        return True
    if said == Verdict.REJECTED:
        return revision <= at_revision
    return now - at < WINDOW


def _count(*conditions: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(darkening).where(*conditions)


def _pending(target: str, since: datetime) -> Select[tuple[str, int]]:
    """Subjects in the queue that are on and wished off, and that nobody has judged yet."""
    w, o, q = wish.c, observed.c, work_table.c
    judged = exists().where(
        _D.target == target,
        _D.subject == w.subject,
        or_(_D.verdict.in_((Verdict.STOPPED, Verdict.REJECTED)), _D.at > since),
    )
    # The key is "subject@target"; cut there, so that wishes are found by their own key.
    subject = func.substr(q.key, 1, func.length(q.key) - len(f"@{target}"))
    return (
        select(w.subject, w.revision)
        .select_from(
            work_table.join(wish, and_(w.subject == subject, w.target == target)).join(
                observed, and_(o.subject == w.subject, o.target == w.target)
            )
        )
        .where(
            q.kind == RECONCILE,
            q.target == target,
            q.parked_at.is_(None),
            w.enabled.is_(False),
            o.enabled.is_(True),
            ~judged,
        )
    )


def _known(engine: Engine) -> Select[Any]:
    return select(darkening).where(_D.target == bindparam("target"), among(engine, _D.subject))


_KNOWN = PreparedQuery(_known)
