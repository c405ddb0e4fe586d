"""The blast-radius guard: no run switches off more than a set share of a target without a person.

It is asked before a write that turns an account off. When too many went or are to go dark within
an hour, all that ask are stopped and the operator decides: approve lets exactly them through,
reject keeps them on until something newer is wished. The boxes of a household stay on with its
account. Decisions stand in the database, so that batches, workers and restarts share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, or_, select, update

from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.standing import LASTING, WINDOW, Verdict, pending, standing
from gateway.provisioning.tables import darkening, wish
from gateway.provisioning.tables import target as targets
from gateway.provisioning.targets import Target, find
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Work
from terms.errors import Permanent
from terms.ids import TargetName

_D = darkening.c


class StoppedByGuard(Permanent):
    """The write is not made: too many accounts would go dark."""


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
    kept = {row.subject for row in await _WITH_ITS_ACCOUNT.rows(tx, given)}
    verdicts |= dict.fromkeys(
        (one for one in kept if verdicts.get(one) is not Verdict.APPROVED), Verdict.FOLLOWS
    )
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
    behind = {row.subject: row.revision for row in await tx.rows(pending([name], now - WINDOW))}
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


def _known(engine: Engine) -> Select[Any]:
    return select(darkening).where(_D.target == bindparam("target"), among(engine, _D.subject))


def _with_its_account(engine: Engine) -> Select[Any]:
    """Find the boxes whose household keeps an account on that it was wished to lose."""
    box, account = wish.alias("box"), wish.alias("account")
    answered = and_(_D.verdict == Verdict.REJECTED, _D.revision >= account.c.revision)
    return (
        select(box.c.subject)
        .distinct()
        .select_from(
            box.join(account, account.c.subject == box.c.service).join(
                darkening, and_(_D.subject == account.c.subject, _D.target == account.c.target)
            )
        )
        .where(box.c.target == bindparam("target"), among(engine, box.c.subject))
        .where(box.c.subject != box.c.service, account.c.enabled.is_(False))
        .where(or_(_D.verdict == Verdict.STOPPED, answered))
    )


_KNOWN = PreparedQuery(_known)
_WITH_ITS_ACCOUNT = PreparedQuery(_with_its_account)
