"""A lane: one kind of work, one handler, batches one after the other or a few abreast.

Each kind has its own lane, so that a long one never delays a short one; within one a mark waits for
the batches under way at most, which their stride keeps short. A batch that fails by a bug is tried
row by row, and rows that nobody ever finishes are tried alone: no poisoned row stops others.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from runtime.retry import back_off_s, is_away, is_conflict, pause
from runtime.stumbles import Stumbles
from runtime.telemetry import get_log
from runtime.work.rows import CLAIM_ROWS_MAX, Cause, Claim, Failure, Parking, Work
from runtime.work.stride import Stride

log = get_log()

Handler = Callable[[Sequence[Claim]], Awaitable[None]]

BUG_TRIES_MAX = 3
# A row that was claimed so often without an end may be what ends the process.
ALONE_AFTER_TRIES = 10
TRIES_MAX = 15
HEARTBEAT = timedelta(seconds=3)
SWEEP = timedelta(seconds=2)
ABANDONED = f"claimed {TRIES_MAX} times and never finished: the process may have died of it"


class Lane:
    """Claims rows of one kind and gives them to the handler, which finishes them itself.

    Rows of one `cause` alone, where those of the other have a lane of their own.
    At most `rows_max` at once, or as many as a `stride` says that the handler tells its times.
    `abreast` batches are in hand at once: one is decided on while another is being written.
    """

    def __init__(
        self,
        work: Work,
        kind: str,
        handler: Handler,
        *,
        cause: Cause | None = None,
        rows_max: int = CLAIM_ROWS_MAX,
        stride: Stride | None = None,
        abreast: int = 1,
        heartbeat: timedelta = HEARTBEAT,
        sweep: timedelta = SWEEP,
    ) -> None:
        self.work = work
        self.kind = kind
        self.name = f"{kind} by time" if cause is Cause.TIME else kind
        self.handler = handler
        self.cause = cause
        self.rows_max = rows_max
        self.stride = stride
        self.abreast = abreast
        self.heartbeat = heartbeat
        self.sweep = sweep
        self._stumbles = Stumbles(work.store.outages, f"work {self.name}")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; a batch that was begun is finished."""
        await asyncio.gather(*(self._run(stop) for _ in range(self.abreast)))

    async def drain(self, tell: Callable[[int], None]) -> None:
        """Work until nothing is due, telling of each batch how many rows there were."""
        await asyncio.gather(*(self._drain(tell) for _ in range(self.abreast)))

    async def turn(self) -> int:
        """Claim and handle one batch; returns how many rows there were."""
        rows_max = self.stride.rows if self.stride else self.rows_max
        claims = await self.work.claim(self.kind, cause=self.cause, rows_max=rows_max)
        if claims:
            async with keep_alive(self.work, claims, self.heartbeat):
                await self._handle(await without_suspects(self.work, claims))
        else:
            self._stumbles.rest()
        return len(claims)

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await self._turn_or_none():
                await self._rest(stop)

    async def _drain(self, tell: Callable[[int], None]) -> None:
        while count := await self.turn():
            tell(count)

    async def _turn_or_none(self) -> int:
        """Take a turn; where the database is at fault let time pass."""
        outages, name = self.work.store.outages, _name(self.name)
        try:
            count = await self.turn()
        except Exception as error:  # noqa: BLE001 - the lane outlives it
            outages.failed(name, error)
            await pause(self.sweep.total_seconds())
            return 0
        outages.passed(name)
        return count

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait for the bell, the next sweep or the end."""
        ring = self.work.store.bell.wait(self.kind, self.sweep.total_seconds())
        waits = {asyncio.create_task(ring), asyncio.create_task(stop.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _handle(self, claims: Sequence[Claim]) -> None:
        if not claims:
            return
        try:
            await self.handler(claims)
        except Exception as error:  # noqa: BLE001 - any error: the row keeps it, and the log
            if len(claims) == 1:
                await self._set_back(claims[0], error)
                return
            for claim in claims:
                await self._handle([claim])
        else:
            self._stumbles.passed()

    async def _set_back(self, claim: Claim, error: Exception) -> None:
        is_bug = not (is_conflict(error) or is_away(error))
        reason = "".join(traceback.format_exception(error, limit=-6))
        if is_bug:
            log.error("work.failed", kind=claim.kind, key=claim.key, exc_info=error)
            self._stumbles.failed(claim.key, error)
        async with self.work.store.begin() as tx:
            if is_bug and claim.attempts >= BUG_TRIES_MAX:
                await self.work.park(tx, [Parking(claim=claim, error=reason)])
                return
            wait = timedelta(seconds=back_off_s(claim.attempts, self.work.chance.fraction()))
            later = self.work.clock.machine_now() + wait
            failure = Failure(claim=claim, error=reason, not_before=later, counts=is_bug)
            await self.work.fail(tx, [failure])


def is_suspect(claim: Claim) -> bool:
    """Tell whether a row was claimed so often without an end that it has to be tried alone."""
    return claim.attempts > ALONE_AFTER_TRIES


async def without_suspects(work: Work, claims: Sequence[Claim]) -> Sequence[Claim]:
    """Return the whole batch, or one suspect alone and the others given back.

    One that was tried often enough is parked.
    """
    suspects = [claim for claim in claims if is_suspect(claim)]
    if not suspects:
        return claims
    alone = max(suspects, key=lambda claim: claim.attempts)
    async with work.store.begin() as tx:
        await work.give_back(tx, [claim for claim in claims if claim is not alone])
        if alone.attempts > TRIES_MAX:
            await work.park(tx, [Parking(claim=alone, error=ABANDONED)])
            return []
    return [alone]


@asynccontextmanager
async def keep_alive(work: Work, claims: Sequence[Claim], every: timedelta) -> AsyncIterator[None]:
    """Renew the leases of these claims until the block is left."""
    task = asyncio.create_task(_beat(work, claims, every))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beat(work: Work, claims: Sequence[Claim], every: timedelta) -> None:
    while True:
        await pause(every.total_seconds())
        # A lease outlives one missed beat, and the next one may get through.
        await work.store.outages.outlive(_name(claims[0].kind), work.renew(claims))


def _name(lane: str) -> str:
    """Name a lane as outages are told of it."""
    return f"lane {lane}"
