"""A lane: one kind of work, one handler, batches one after the other.

Each kind has its own lane, so that a long one never delays a short one. A batch that fails by a
bug is tried row by row, so that one poisoned row stops nobody else.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from runtime.retry import back_off_s, pause
from runtime.telemetry import get_log
from runtime.work.rows import CLAIM_ROWS_MAX, Claim, Failure, Parking, Work

log = get_log()

Handler = Callable[[Sequence[Claim]], Awaitable[None]]
BUG_TRIES_MAX = 3
HEARTBEAT = timedelta(seconds=3)
SWEEP = timedelta(seconds=2)


class Lane:
    """Claims rows of one kind and gives them to the handler, which finishes them itself."""

    def __init__(
        self,
        work: Work,
        kind: str,
        handler: Handler,
        *,
        rows_max: int = CLAIM_ROWS_MAX,
        heartbeat: timedelta = HEARTBEAT,
        sweep: timedelta = SWEEP,
    ) -> None:
        self.work = work
        self.kind = kind
        self.handler = handler
        self.rows_max = rows_max
        self.heartbeat = heartbeat
        self.sweep = sweep

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; a batch that was begun is finished."""
        bell = self.work.store.bell
        while not stop.is_set():
            try:
                busy = await self.turn()
            except Exception:  # the database itself failed: the lane must outlive it
                log.exception("lane.failed", kind=self.kind)
                busy = 0
                await pause(self.sweep.total_seconds())
            if not busy and not stop.is_set():
                await bell.wait(self.kind, self.sweep.total_seconds())

    async def turn(self) -> int:
        """Claim and handle one batch; returns how many rows there were."""
        claims = await self.work.claim(self.kind, rows_max=self.rows_max)
        if claims:
            async with keep_alive(self.work, claims, self.heartbeat):
                await self._handle(claims)
        return len(claims)

    async def _handle(self, claims: Sequence[Claim]) -> None:
        try:
            await self.handler(claims)
        except Exception:
            if len(claims) == 1:
                await self._set_back(claims[0])
                return
            for claim in claims:
                await self._handle([claim])

    async def _set_back(self, claim: Claim) -> None:
        error = traceback.format_exc(limit=-6)
        log.exception("work.failed", kind=claim.kind, key=claim.key, attempts=claim.attempts)
        async with self.work.store.begin() as tx:
            if claim.attempts >= BUG_TRIES_MAX:
                await self.work.park(tx, [Parking(claim=claim, error=error)])
                return
            wait = timedelta(seconds=back_off_s(claim.attempts, self.work.chance.fraction()))
            later = self.work.clock.machine_now() + wait
            await self.work.fail(tx, [Failure(claim=claim, error=error, not_before=later)])


@asynccontextmanager
async def keep_alive(work: Work, claims: Sequence[Claim], every: timedelta) -> AsyncIterator[None]:
    """Renew the leases of these claims until the block is left."""

    async def beat() -> None:
        while True:
            await pause(every.total_seconds())
            await work.renew(claims)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
