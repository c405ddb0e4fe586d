"""What came of a batch of runs, written back in one transaction: seen state, journal, facts, rows.

Rows that another worker took over meanwhile are left out: a late worker writes nothing. Where it
may have written at the target, though, the row is marked, so that somebody looks after that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from gateway.adapters.state import ViewerState, differences
from gateway.provisioning import guard, wishes
from gateway.provisioning.jobs import Job
from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.leases import still_ours
from gateway.provisioning.orders import Outcome, ServiceOrder, row_of
from gateway.provisioning.proofs import fact_of
from gateway.provisioning.run import Trail
from gateway.provisioning.tables import drift, observed, service_order
from gateway.provisioning.verdicts import Fate, Verdict
from runtime import log
from runtime.chance import new_id
from runtime.store import Tx
from runtime.work import Claim, Failure, Parking, Work

PENDING_LOOK_AFTER = timedelta(seconds=30)
DRIFT_CAUSE = "changed at the target"
_OUTCOMES = {
    Fate.DONE: Outcome.DONE,
    Fate.PENDING: Outcome.PENDING,
    Fate.PARKED: Outcome.PARKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One finished run."""

    job: Job
    verdict: Verdict
    trail: Trail
    started_at: datetime
    finished_at: datetime

    @property
    def is_done(self) -> bool:
        """Whether the target was seen to hold the wish."""
        return self.verdict.fate is Fate.DONE

    @property
    def is_news(self) -> bool:
        """Whether the target was not known to hold this revision before."""
        return self.is_done and self.job.proven != self.job.wish.revision


async def write(tx: Tx, work: Work, results: Sequence[Result]) -> list[Result]:
    """Write results back and finish their rows; returns those that were still ours."""
    ours = {claim.key for claim in await still_ours(tx, [r.job.claim for r in results])}
    kept = [result for result in results if result.job.claim.key in ours]
    seen = [_observed_row(result) for result in kept]
    await tx.upsert(
        observed,
        [row for row in seen if row is not None],
        key=("subject", "target"),
        rising="seen_at",
    )
    await tx.insert(service_order, _order_rows(kept, work))
    facts = [fact_of(r.job.wish, r.finished_at) for r in kept if r.is_news]
    await log.append(tx, facts)
    done = [result for result in kept if result.is_done]
    await _close_drift(tx, [result for result in done if result.job.has_drift])
    await _forget(tx, [result for result in done if result.job.is_judged])
    await _finish(tx, work, kept)
    await _tell_boxes(tx, work, done)
    await _look_again(tx, work, [r for r in results if r.job.claim.key not in ours])
    return kept


async def _look_again(tx: Tx, work: Work, late: Sequence[Result]) -> None:
    """Have the target looked at once more where a write came from a worker without a lease.

    Whoever took the row over may have seen the target before that write.
    """
    written = [result for result in late if result.trail.is_written]
    for target, subjects in _by_target(written, lambda r: r.job.wish.subject).items():
        keys = [key_of(subject, target) for subject in subjects]
        await work.mark(tx, RECONCILE, keys, target=target)


async def _finish(tx: Tx, work: Work, results: Sequence[Result]) -> None:
    def claims(*fates: Fate) -> list[Claim]:
        return [r.job.claim for r in results if r.verdict.fate in fates]

    await work.complete(tx, claims(Fate.DONE))
    pending = claims(Fate.PENDING)
    if pending:
        later = await work.clock.business_now(tx) + PENDING_LOOK_AFTER
        await work.complete_until(tx, [(claim, later) for claim in pending])
    put_back = [r for r in results if r.verdict.fate in (Fate.WAIT, Fate.AGAIN)]
    await work.fail(tx, [_failure(result) for result in put_back])
    parked = [r for r in results if r.verdict.fate is Fate.PARKED]
    await work.park(tx, [Parking(claim=r.job.claim, error=r.verdict.reason) for r in parked])


async def _tell_boxes(tx: Tx, work: Work, done: Sequence[Result]) -> None:
    """Have boxes go dark, now that the accounts of their households are."""
    dark = [r.job.wish for r in done if r.is_news and not r.job.wish.value.enabled]
    services = {wish.service for wish in dark if not wish.is_of_box}
    if services:
        for target, subjects in (await wishes.unproven_boxes(tx, services)).items():
            keys = [key_of(subject, target) for subject in subjects]
            await work.mark(tx, RECONCILE, keys, target=target)


def _failure(result: Result) -> Failure:
    return Failure(
        claim=result.job.claim,
        error=result.verdict.reason,
        not_before=result.verdict.not_before or result.finished_at,
        counts=result.verdict.fate is Fate.AGAIN,
    )


def _observed_row(result: Result) -> dict[str, Any] | None:
    """Give what was seen last, for sure; None where nothing was.

    After a write whose end nobody knows that is what was seen before it, at the start of the run.
    """
    wish, trail = result.job.wish, result.trail
    held, text, seen_at = trail.held, trail.seen_text, result.finished_at
    if not text and trail.before is not None:
        held, text, seen_at = trail.before, trail.before.encode(), result.started_at
    if not text:
        return None
    return {
        "subject": wish.subject,
        "target": wish.target,
        "value": text,
        "revision": wish.revision if result.is_done else 0,
        "enabled": held is not None and held.enabled,
        "seen_at": seen_at,
    }


def _order_rows(results: Sequence[Result], work: Work) -> list[dict[str, Any]]:
    """Word the journal's lines; one chance for all of them keeps them in their order."""
    batch = new_id(work.clock.machine_now(), work.chance)
    orders = (_order(result, f"{batch}-{number:04}") for number, result in enumerate(results))
    return [row_of(order) for order in orders if order is not None]


def _order(result: Result, id_: str) -> ServiceOrder | None:
    """Word the journal's line of a run; None where there is nothing to tell."""
    job, verdict = result.job, result.verdict
    outcome = _OUTCOMES.get(verdict.fate)
    what = _what(result)
    if outcome is None or (result.is_done and not what):
        return None
    return ServiceOrder(
        id=id_,
        service=job.wish.service,
        target=job.wish.target,
        revision=job.wish.revision,
        what=what,
        outcome=outcome,
        cause=DRIFT_CAUSE if _was_changed_there(result) else job.wish.cause,
        started_at=result.started_at,
        finished_at=result.finished_at,
        error=verdict.reason or None,
    )


def _was_changed_there(result: Result) -> bool:
    """Tell whether somebody else changed what the target had been seen to hold.

    A wish may become another one under the revision it has, where boxes or routes are others.
    """
    trail, job = result.trail, result.job
    if trail.desired is None or not trail.is_changed or job.proven != job.wish.revision:
        return False
    seen = ViewerState.decode(job.seen_text, revision=0) if job.seen_text else None
    return not differences(trail.desired, seen)


def _what(result: Result) -> dict[str, tuple[str, str]]:
    """Tell what this run changed, or what an interrupted one before it had changed already."""
    trail, job = result.trail, result.job
    if trail.desired is None or not trail.is_seen:
        return {}
    if trail.is_changed or not result.is_done:
        return differences(trail.desired, trail.before)
    if not result.is_news or job.seen_text == trail.seen_text:
        return {}
    before = ViewerState.decode(job.seen_text, revision=0) if job.seen_text else None
    return differences(trail.desired, before)


async def _close_drift(tx: Tx, results: Sequence[Result]) -> None:
    for target, refs in _by_target(results, lambda r: r.job.wish.value.ref).items():
        await tx.execute(
            update(drift)
            .where(drift.c.target == target, drift.c.ref.in_(refs), drift.c.repaired_at.is_(None))
            .values(repaired_at=results[0].finished_at)
        )


async def _forget(tx: Tx, results: Sequence[Result]) -> None:
    lit = [result for result in results if result.job.wish.value.enabled]
    for target, subjects in _by_target(lit, lambda r: r.job.wish.subject).items():
        await guard.forget(tx, target, subjects)


def _by_target(results: Sequence[Result], part: Callable[[Result], str]) -> dict[Any, list[str]]:
    grouped: dict[Any, list[str]] = {}
    for result in results:
        grouped.setdefault(result.job.wish.target, []).append(part(result))
    return grouped
