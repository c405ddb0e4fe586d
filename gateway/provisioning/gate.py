"""The guard as a running reconcile meets it: many rows ask at once, one transaction answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from gateway.provisioning import guard
from gateway.provisioning.guard import StoppedByGuard
from gateway.provisioning.jobs import Job
from gateway.provisioning.standing import Verdict
from gateway.provisioning.targets import Target
from runtime.clock import Clock
from runtime.store import Store
from runtime.telemetry import get_log

_log = get_log()
_REASONS = {
    Verdict.STOPPED: "held back by the guard, too many would go dark at once: approve or reject",
    Verdict.REJECTED: "held back by the guard, rejected by a person: stays on until the next wish",
    Verdict.FOLLOWS: "held back with the account of its household, which the guard keeps on",
}

_Asking: TypeAlias = dict[str, tuple[int, asyncio.Future[Verdict]]]


class Gate:
    """Asks the guard of one target on behalf of its rows."""

    def __init__(self, store: Store, clock: Clock, target: Callable[[], Target]) -> None:
        self.store = store
        self.clock = clock
        self.target = target
        self._asking: _Asking = {}
        self._answering: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def foresee(self, jobs: Sequence[Job]) -> None:
        """Ask at once for all of a batch that are about to go dark, so that none has to wait."""
        dark = [job for job in jobs if job.goes_dark]
        if dark:
            verdicts = await self._decide({job.wish.subject: job.wish.revision for job in dark})
            for job in dark:
                job.foreseen = verdicts[job.wish.subject]

    async def ask(self, job: Job) -> None:
        """Return if the account may be switched off. Raises StoppedByGuard if not."""
        verdict = job.foreseen or await self._asked(job.wish.subject, job.wish.revision)
        reason = _REASONS.get(verdict)
        if reason is not None:
            raise StoppedByGuard(reason)

    async def _asked(self, subject: str, revision: int) -> Verdict:
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asking[subject] = (revision, future)
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer())
        return await future

    async def _answer(self) -> None:
        while self._asking:
            asking, self._asking = self._asking, {}
            try:
                verdicts = await self._decide({one: asked[0] for one, asked in asking.items()})
            except Exception as error:  # noqa: BLE001 - each row learns of it
                _refuse(asking, error)
            else:
                _tell(asking, verdicts)

    async def _decide(self, asking: Mapping[str, int]) -> dict[str, Verdict]:
        target = self.target()
        now = self.clock.machine_now()
        async with self.store.begin() as tx:
            verdicts = await guard.decide(tx, target, asking, now=now)
        stopped = Verdict.STOPPED in verdicts.values()
        if stopped and not self._is_stopped:
            _log.error("guard.stopped", target=target.name, asking=len(asking))
        self._is_stopped = stopped
        return verdicts


def _tell(asking: _Asking, verdicts: dict[str, Verdict]) -> None:
    for subject, (_, future) in asking.items():
        if not future.done():
            future.set_result(verdicts[subject])


def _refuse(asking: _Asking, error: Exception) -> None:
    for _, future in asking.values():
        if not future.done():
            future.set_exception(error)
