"""The rows that one pump holds: their leases are renewed, and no run outlives its own.

A run is cut off as soon as its lease is lost, or when it took longer than any run may; and before
that no call is begun through the target's door once the lease is over. It does not know what a
run does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from gateway.provisioning.fence import fenced
from gateway.provisioning.jobs import Job
from runtime.retry import pause
from runtime.work import Work
from terms.errors import Retryable

# Every call has a deadline of its own; a run that takes longer than this hangs in the adapter.
RUN_S_MAX = 120.0
# The clock looks so often within a lease, and at the very end of the one that ends first.
LOOKS_PER_LEASE = 4
LOOK_S_MIN = 0.005

T = TypeVar("T")


class LeaseLost(Exception):
    """The lease of this row is over: whoever worked on it must not write."""


class Holding:
    """Claimed rows by key, each until its result is written."""

    def __init__(
        self, work: Work, target: str, *, heartbeat_s: float, run_s_max: float = RUN_S_MAX
    ) -> None:
        self.work = work
        self.target = target
        self.heartbeat_s = heartbeat_s
        self.run_s_max = run_s_max
        self._jobs: dict[str, Job] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._jobs

    def holds(self, job: Job) -> bool:
        """Tell whether a row is still held by this very claim."""
        return self._jobs.get(job.claim.key) is job

    def take(self, job: Job) -> None:
        """Hold a row from now on."""
        self._jobs[job.claim.key] = job

    def forget(self, job: Job) -> None:
        """Hold a row no longer."""
        if self._jobs.get(job.claim.key) is job:
            del self._jobs[job.claim.key]

    def check(self, job: Job) -> None:
        """Raise LeaseLost where the lease of a row is over."""
        if job.is_lost or monotonic_s() - job.renewed_at >= self.work.lease.total_seconds():
            raise LeaseLost

    async def run(self, job: Job, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run for one row, within its lease and within the time that a run may take.

        Raises LeaseLost where the lease ended before the run did, Retryable where the run hung.
        """
        with fenced(partial(self.check, job)), _cuttable(job):
            return await act()

    async def beat(self) -> None:
        """Renew the leases now and then, for ever; what another took over is lost at once."""
        while True:
            await pause(self.heartbeat_s)
            now = monotonic_s()
            self._cut(now)
            held = [job for job in self._jobs.values() if not job.is_lost]
            if not held:
                continue
            outages, name = self.work.store.outages, loop_name(self.target)
            try:
                ours = await self.work.renew([job.claim for job in held])
            except Exception as error:  # noqa: BLE001 - a lease outlives one missed beat
                outages.failed(name, error)
                continue
            outages.passed(name)
            for job in held:
                if job.claim.key in ours:
                    job.renewed_at = now
                elif self._jobs.get(job.claim.key) is job:
                    _lose(job)

    async def watch(self) -> None:
        """Cut off runs by the clock, for ever, also while the database does not answer."""
        while True:
            await pause(max(self._cut(monotonic_s()), LOOK_S_MIN))

    def _cut(self, now: float) -> float:
        """Cut off what has come to its end; returns in how many seconds to look again."""
        lease_s = self.work.lease.total_seconds()
        next_s = lease_s / LOOKS_PER_LEASE
        for job in self._jobs.values():
            if job.is_lost:
                continue
            left_s = job.renewed_at + lease_s - now
            if left_s <= 0:
                _lose(job)
            elif job.task is not None and now - job.begun_at >= self.run_s_max:
                _end(job, Retryable(f"the run took longer than {self.run_s_max:g} s"))
            else:
                next_s = min(next_s, left_s)
        return next_s


def loop_name(target: str) -> str:
    """Name who works for a target, as outages are told of it."""
    return f"target {target}"


def monotonic_s() -> float:
    """Tell the seconds by which leases and runs are measured."""
    return asyncio.get_running_loop().time()


@contextmanager
def _cuttable(job: Job) -> Iterator[None]:
    """Let the watch end this task's wait, which then shows as the error it was ended with."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine always runs in one
    job.task, job.begun_at = task, monotonic_s()
    try:
        yield
    except asyncio.CancelledError:
        # One cancellation is ours; a second one comes from whoever stops the whole pump.
        if job.cut is None or task.cancelling() > 1:
            raise
        raise job.cut from None
    finally:
        job.task = None
        if job.cut is not None:
            task.uncancel()


def _lose(job: Job) -> None:
    job.is_lost = True
    _end(job, LeaseLost())


def _end(job: Job, error: Exception) -> None:
    if job.task is not None and job.cut is None:
        job.cut = error
        job.task.cancel()
