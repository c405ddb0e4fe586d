"""Runs one claimed row after the other against an adapter, and has every result written.

It does not choose rows: a pump claims what is due, a contact claims the row of the box that calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from gateway.adapters.sdk import Adapter, Pending
from gateway.provisioning.gate import Gate
from gateway.provisioning.health import Health
from gateway.provisioning.holding import Holding, LeaseLost
from gateway.provisioning.jobs import Job, newest_wish
from gateway.provisioning.results import Result
from gateway.provisioning.run import Trail, bring
from gateway.provisioning.verdicts import (
    SHELF_WAIT_S_MAX,
    WAIT_S_MAX,
    Fate,
    Verdict,
    overslept,
    verdict_for,
)
from gateway.provisioning.writer import Writer
from runtime.telemetry import get_log, histogram
from runtime.work import Work
from terms.errors import Conflict

_log = get_log()
_runs = histogram(
    "boxoffice_target_run_seconds",
    "How long one look at a target took, with what was written, by what came of it",
    "target",
    "fate",
)
_DONE = Verdict(fate=Fate.DONE, reason="")


class Runner:
    """The runs of one target. `health` is what its errors teach; `written` is told of results."""

    def __init__(
        self, health: Health, work: Work, holding: Holding, written: Callable[[Result], None]
    ) -> None:
        self.health = health
        self.work = work
        self.holding = holding
        self.gate = Gate(work.store, work.clock, lambda: health.target)
        self.writer = Writer(work, health.target.name, written)
        self.running = 0

    def start(self) -> list[asyncio.Task[None]]:
        """Start what goes on beside the runs: leases are renewed and watched, results written."""
        forever = (self.holding.beat(), self.holding.watch(), self.writer.run())
        return [asyncio.create_task(one) for one in forever]

    def ended(self) -> None:
        """Note that no row is worked on any more."""
        self.writer.ended()

    async def one(self, job: Job, adapter: Adapter[Any]) -> Verdict | None:
        """Run for one row; None where it was lost before anything was written."""
        started_at = self._now()
        trail = Trail()
        self.running += 1
        try:
            attempt = partial(self._attempt, job, adapter, trail)
            pending = await self.holding.run(job, attempt)
            verdict = (
                _DONE if pending is None else Verdict(fate=Fate.PENDING, reason=pending.reason)
            )
        except LeaseLost:
            _log.warning("lease.lost", key=job.claim.key, is_written=trail.is_written)
            if not trail.is_written:
                self.holding.forget(job)
                return None
            verdict = overslept(self._now())
        except Exception as error:  # noqa: BLE001 - the class decides, a bug has one too
            verdict = await self._judge(job, error)
        finally:
            self.running -= 1
        result = Result(
            job=job,
            verdict=verdict,
            trail=trail,
            started_at=started_at,
            finished_at=self._now(),
        )
        took_s = (result.finished_at - started_at).total_seconds()
        _runs.observe(job.wish.target, verdict.fate.value, amount=took_s)
        self.writer.put(result)
        return verdict

    async def _attempt(self, job: Job, adapter: Adapter[Any], trail: Trail) -> Pending | None:
        """Run once; on a Conflict once more, with the wish as it stands by then."""
        try:
            return await self._bring(job, adapter, trail)
        except Conflict:
            newest, issued = await newest_wish(self.work.store, job.claim)
            if newest is not None:
                job.wish, job.foreseen = newest, None
            return await self._bring(job, adapter, trail, issued)

    async def _bring(
        self, job: Job, adapter: Adapter[Any], trail: Trail, issued: int | None = None
    ) -> Pending | None:
        return await bring(
            adapter,
            job.wish.value,
            trail,
            issued=issued,
            may_darken=partial(self.gate.ask, job),
            may_write=partial(self.holding.check, job),
        )

    async def _judge(self, job: Job, error: Exception) -> Verdict:
        is_down = False
        try:
            is_down = await self.health.learn(error)
        except Exception:  # noqa: BLE001 - the database failed: what the row is told stays the same
            _log.exception("target.health_not_written", target=self.health.target.name)
        return verdict_for(
            error,
            job.claim,
            now=self._now(),
            fraction=self.work.chance.fraction(),
            is_down=is_down,
            wait_s_max=SHELF_WAIT_S_MAX if job.wish.is_on_shelf else WAIT_S_MAX,
        )

    def _now(self) -> datetime:
        return self.work.clock.machine_now()
