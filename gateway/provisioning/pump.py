"""The pump of one target: claims its rows in batches and keeps a bounded number of runs going.

One per target, so that a slow or dead target never delays another. No transaction is open while a
run talks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.provisioning.health import Health
from gateway.provisioning.holding import RUN_S_MAX, Holding, loop_name, monotonic_s
from gateway.provisioning.jobs import Job, load
from gateway.provisioning.keys import RECONCILE
from gateway.provisioning.opening import Opened
from gateway.provisioning.results import Result
from gateway.provisioning.runner import Runner
from runtime import crash
from runtime.work import Claim, Failure, Work, is_suspect, without_suspects

# A run that is cut off after this looks like a crash to its row, which is safe.
DRAIN_S = 8.0

# Whoever uses a claim up faster than this takes twice as much the next time.
FAST_S = 1.0
CLAIMED_PER_LANE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The pump's own limits. The heartbeat has to come several times within a lease."""

    claim_rows_min: int = 100
    claim_rows_max: int = 500
    in_flight_max: int = 512
    heartbeat_s: float = 3.0
    run_s_max: float = RUN_S_MAX
    sweep_s: float = 2.0


class Pump:
    """Works on the rows of one target until told to stop. `wake` says there may be work."""

    def __init__(self, opened: Opened, work: Work, pace: Pace) -> None:
        self.adapter = opened.adapter
        self.name = opened.target.name
        self.version = opened.target.version
        self.work = work
        self.pace = pace
        self.wake = asyncio.Event()
        self.health = Health(opened, work)
        # How many rows at once are ours to work on, of all that the target stands.
        self.share = 0
        self._holding = Holding(
            work, self.name, heartbeat_s=pace.heartbeat_s, run_s_max=pace.run_s_max
        )
        self._runner = Runner(self.health, work, self._holding, self._written)
        # A row that may be what ends the process: nothing else goes on beside it.
        self._alone: Job | None = None
        self._buffer: deque[Job] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._more = False
        self._claim_rows = pace.claim_rows_min
        self._claimed_at = 0.0
        self._next_try_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then finish what was begun and give back the rest."""
        helpers = self._runner.start()
        try:
            while not stop.is_set():
                self.wake.clear()
                try:
                    rest_s = await self._turn()
                except Exception as error:  # noqa: BLE001 - the pump outlives it
                    self.work.store.outages.failed(loop_name(self.name), error)
                    rest_s = self.pace.sweep_s
                await self._rest(rest_s)
            await self._drain()
        finally:
            for task in (*helpers, *self._lanes):
                task.cancel()
            await asyncio.gather(*helpers, *self._lanes, return_exceptions=True)
            self._runner.ended()
            self.work.store.outages.ended(loop_name(self.name))

    @property
    def running(self) -> int:
        """How many rows are under way."""
        return len(self._lanes)

    # -- claiming

    async def _turn(self) -> float:
        """Look after the target, then take up rows; returns for how long nothing else is due."""
        health, sweep_s = self.health, self.pace.sweep_s
        outages, name = self.work.store.outages, loop_name(self.name)
        if not health.target.is_working or not self.share:
            await self._give_back()
            outages.ended(name)
            return sweep_s
        if health.target.is_down:
            await self._give_back()
            answers = await health.breaker.try_close()
            outages.passed(name)
            if not answers:
                return min(sweep_s, health.breaker.wait_s(self.work.clock.machine_now()))
        if rest_s := health.rest_s():
            outages.rests(name)
            return min(sweep_s, rest_s)
        await self._refill()
        outages.passed(name)
        if not self._buffer and not self._lanes:
            self._runner.writer.rest()
        self._start_lanes()
        return self._until_next_try()

    async def _rest(self, rest_s: float) -> None:
        try:
            async with asyncio.timeout(rest_s):
                await self.wake.wait()
        except TimeoutError:
            pass

    def _until_next_try(self) -> float:
        at, sweep_s = self._next_try_at, self.pace.sweep_s
        if at is None:
            return sweep_s
        wait_s = (at - self.work.clock.machine_now()).total_seconds()
        if wait_s <= 0:
            self._next_try_at = None
        return min(sweep_s, max(wait_s, 0.0))

    async def _refill(self) -> None:
        while len(self._buffer) < self.share and not self._has_suspect():
            renewed_at = monotonic_s()
            rows_max = self._appetite(renewed_at)
            claims = await self.work.claim(RECONCILE, target=self.name, rows_max=rows_max)
            self._more = len(claims) == rows_max
            if claims:
                crash.reach("after_claim")
                await self._take(await without_suspects(self.work, claims), renewed_at)
            if not self._more:
                return

    def _has_suspect(self) -> bool:
        if self._alone is not None and not self._holding.holds(self._alone):
            self._alone = None
        return self._alone is not None

    def _written(self, result: Result) -> None:
        self._holding.forget(result.job)
        if result.job is self._alone:
            self.wake.set()

    def _appetite(self, now: float) -> int:
        """Take more at once while rows go fast; slow ones are left for other workers to take."""
        is_fast = self._more and now - self._claimed_at < FAST_S
        doubled = min(2 * self._claim_rows, self.pace.claim_rows_max)
        few = min(CLAIMED_PER_LANE * self.share, self.pace.claim_rows_min)
        self._claim_rows = doubled if is_fast else few
        self._claimed_at = now
        return self._claim_rows

    async def _take(self, claims: Sequence[Claim], renewed_at: float) -> None:
        # Where an old run of ours, whose lease is lost, is still going on: one at a time.
        twice = [claim for claim in claims if claim.key in self._holding]
        fresh = [claim for claim in claims if claim.key not in self._holding]
        jobs, gone = await load(self.work.store, self.name, fresh, renewed_at=renewed_at)
        await self._runner.gate.foresee(jobs)
        for job in jobs:
            self._holding.take(job)
            if is_suspect(job.claim):
                self._alone = job
            self._buffer.append(job)
        if gone or twice:
            # Not in step with our own next turn, or no other worker would ever be first.
            wait_s = self.pace.sweep_s * (0.5 + self.work.chance.fraction())
            later = self.work.clock.machine_now() + timedelta(seconds=wait_s)
            async with self.work.store.begin() as tx:
                await self.work.complete(tx, gone)
                await self.work.fail(tx, [_later(claim, later) for claim in twice])

    async def _give_back(self) -> None:
        waiting = [job for job in self._buffer if not job.is_lost]
        self._buffer.clear()
        for job in waiting:
            self._holding.forget(job)
        if waiting:
            async with self.work.store.begin() as tx:
                await self.work.give_back(tx, [job.claim for job in waiting])

    # -- running

    def _start_lanes(self) -> None:
        for _ in range(min(self._allowed() - len(self._lanes), len(self._buffer))):
            task = asyncio.create_task(self._lane())
            self._lanes.add(task)
            task.add_done_callback(self._lanes.discard)

    def _allowed(self) -> int:
        return min(self.share, self.health.target.in_flight_allowed(self.work.clock.machine_now()))

    async def _lane(self) -> None:
        """One row after the other, until there are none or fewer lanes are allowed."""
        while self._buffer and self.health.is_open() and len(self._lanes) <= self._allowed():
            if self._buffer[0] is self._alone and self._runner.running:
                return  # the last lane still running comes to it
            job = self._buffer.popleft()
            if self._more and len(self._buffer) < self.share:
                self.wake.set()
            if job.is_lost:
                self._holding.forget(job)
            else:
                await self._one(job)

    async def _one(self, job: Job) -> None:
        verdict = await self._runner.one(job, self.adapter)
        if verdict is None:
            return
        if verdict.not_before is not None:
            at = self._next_try_at
            self._next_try_at = min(at, verdict.not_before) if at else verdict.not_before
        if not self._runner.running and not self._buffer:
            self._runner.writer.hurry()

    async def _drain(self) -> None:
        await self._give_back()
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=DRAIN_S)
        await self._runner.writer.flush()


def _later(claim: Claim, at: datetime) -> Failure:
    return Failure(claim=claim, error="an older run is still going on", not_before=at, counts=False)
