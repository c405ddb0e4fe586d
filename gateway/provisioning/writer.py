"""Writes results back in batches: one transaction for many rows, yet at once for a lonely one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.provisioning.results import Result, write
from runtime import crash
from runtime.retry import is_lost, pause
from runtime.stumbles import Stumbles
from runtime.telemetry import get_log
from runtime.work import Work

FLUSH_ROWS_MAX = 500
FLUSH_AFTER_S = 0.25
FAILED_PAUSE_S = 1.0
RESULTS = "results"

_log = get_log()


class Writer:
    """Collects results of one target; `written` is told of each that is in the database."""

    def __init__(self, work: Work, target: str, written: Callable[[Result], None]) -> None:
        self.work = work
        self._written = written
        self._results: list[Result] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._writing = asyncio.Lock()
        self._stumbles = Stumbles(work.store.outages, f"{RESULTS} of {target}")

    def put(self, result: Result) -> None:
        """Take a result; it is written soon."""
        self._results.append(result)
        self._some.set()
        if len(self._results) >= FLUSH_ROWS_MAX:
            self._enough.set()

    def rest(self) -> None:
        """Note that there is nothing to write."""
        self._stumbles.rest()

    def ended(self) -> None:
        """Note that nothing will be written any more."""
        self._stumbles.ended()
        self.work.store.outages.rests(RESULTS)

    def hurry(self) -> None:
        """Nothing else is going on: write what there is now."""
        self._enough.set()

    async def run(self) -> None:
        """Write whenever there is enough, or when the oldest result has waited long enough."""
        while True:
            await self._some.wait()
            try:
                async with asyncio.timeout(FLUSH_AFTER_S):
                    await self._enough.wait()
            except TimeoutError:
                pass
            if not await self.flush():
                await pause(FAILED_PAUSE_S)

    async def flush(self) -> bool:
        """Write all there is; False where the database failed, and then everything is kept."""
        async with self._writing:
            batch, self._results = self._results, []
            self._some.clear()
            self._enough.clear()
            if not batch:
                return True
            try:
                await self._write(batch)
            except Exception as error:  # noqa: BLE001 - leases are renewed, so results stay true
                if is_lost(error):
                    self.work.store.outages.failed(RESULTS, error)
                    self._results = batch + self._results
                    self._some.set()
                    return False
                await self._one_by_one(batch)
            self.work.store.outages.passed(RESULTS)
            for result in batch:
                self._written(result)
            return True

    async def _write(self, batch: list[Result]) -> None:
        crash.reach("before_complete")
        async with self.work.store.begin() as tx:
            await write(tx, self.work, batch)
        self._stumbles.passed()

    async def _one_by_one(self, batch: list[Result]) -> None:
        """Keep one poisoned result from taking the others with it; its lease runs out."""
        for result in batch:
            try:
                await self._write([result])
            except Exception as error:  # noqa: BLE001 - a bug of one row is no reason to stop
                _log.exception("result.lost", key=result.job.claim.key)
                self._stumbles.failed(result.job.claim.key, error)
