"""Reconciliation: one pump for each configured target, started, watched and stopped here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select

from gateway.provisioning import targets as rows
from gateway.provisioning.holding import monotonic_s
from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.opening import Targets
from gateway.provisioning.pump import Pace, Pump
from gateway.provisioning.shares import Asked, Shares
from gateway.provisioning.tables import wish
from gateway.provisioning.targets import Target
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.telemetry import get_log
from runtime.work import Work
from terms.errors import BoxofficeError
from terms.ids import TargetName

ALIGN_EVERY_S = 1.0

_log = get_log()


@dataclass(slots=True, kw_only=True)
class _Running:
    pump: Pump
    stop: asyncio.Event
    task: asyncio.Task[None]


class Reconciler:
    """Keeps a pump running for every target there is."""

    def __init__(self, work: Work, targets: Targets, pace: Pace | None = None) -> None:
        self.work = work
        self.targets = targets
        self.pace = pace or Pace()
        self.shares = Shares(work.store, work.chance, lease=work.lease)
        self._settled_at = 0.0
        self._running: dict[TargetName, _Running] = {}
        self._refused: dict[TargetName, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile until told to stop; then every run that was begun is finished."""
        bell = self.work.store.bell
        loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: bell.ring((RECONCILE,)))
        aligned_at = -ALIGN_EVERY_S
        try:
            while not stop.is_set():
                if loop.time() - aligned_at >= ALIGN_EVERY_S:
                    aligned_at = loop.time()
                    # Where the database fails, the pumps know enough.
                    await self.work.store.outages.outlive("reconciler", self._align())
                    self._let_lapse()
                if await bell.wait(RECONCILE, min(self.pace.sweep_s, ALIGN_EVERY_S)):
                    self._wake()
        finally:
            stopping.cancel()
            await self._stop(list(self._running))
            with suppress(Exception):  # what we held is free with our lease
                await self.shares.leave()

    async def _align(self) -> None:
        """Start pumps for new targets, restart those whose row changed, pass on fresh rows."""
        found = await self.targets.load()
        for name, running in list(self._running.items()):
            target = found.get(name)
            if running.task.done() or target is None or target.version != running.pump.version:
                await self._stop([name])
            else:
                _pass_on(running.pump, target)
        for name, target in found.items():
            if name not in self._running and self._refused.get(name) != target.version:
                await self._start(target)
        await self._share(found)

    async def _share(self, found: Mapping[TargetName, Target]) -> None:
        """Agree with the other workers on how many rows at once are ours, at each target."""
        now, began_at = self.work.clock.machine_now(), monotonic_s()
        asking = [
            Asked(
                target=name,
                cap=found[name].in_flight_allowed(now),
                wanted=self.pace.in_flight_max,
                running=running.pump.running,
            )
            for name, running in self._running.items()
        ]
        ours = await self.shares.settle(asking)
        self._settled_at = began_at
        for name, share in ours.items():
            _give(self._running[name].pump, share)

    def _let_lapse(self) -> None:
        """Begin nothing any more once our shares may have become another's."""
        if monotonic_s() - self._settled_at >= self.work.lease.total_seconds():
            for running in self._running.values():
                _give(running.pump, 0)

    async def _start(self, target: Target) -> None:
        try:
            opened = await self.targets.open(target.name)
        except BoxofficeError as error:
            self._refused[target.name] = target.version
            _log.error("target.cannot_be_opened", target=target.name, reason=str(error))
            return
        stop = asyncio.Event()
        pump = Pump(opened, self.work, self.pace)
        task = asyncio.create_task(pump.run(stop), name=f"pump {target.name}")
        self._running[target.name] = _Running(pump=pump, stop=stop, task=task)

    async def _stop(self, names: Iterable[TargetName]) -> None:
        going = [self._running.pop(name) for name in names]
        for running in going:
            running.stop.set()
            running.pump.wake.set()
        results = await asyncio.gather(*(one.task for one in going), return_exceptions=True)
        for one, result in zip(going, results, strict=True):
            if isinstance(result, Exception):
                _log.error("pump.died", target=one.pump.name, exc_info=result)

    def _wake(self) -> None:
        for running in self._running.values():
            running.pump.wake.set()


async def mark(
    tx: Tx, work: Work, *, services: Iterable[str] = (), target: TargetName | None = None
) -> int:
    """Have targets looked at again now: of some services, of one target, or all there are."""
    query = select(wish.c.subject, wish.c.target)
    wanted = list(services)
    if wanted:
        query = query.where(among(tx.engine, wish.c.service))
    if target is not None:
        await rows.find(tx, target)
        query = query.where(wish.c.target == target)
    by_target: dict[str, list[str]] = {}
    given = {KEYS: packed(tx.engine, wanted)} if wanted else None
    for row in await tx.rows(query, given):
        by_target.setdefault(row.target, []).append(key_of(row.subject, row.target))
    for name, keys in sorted(by_target.items()):
        await work.mark(tx, RECONCILE, keys, target=name)
    return sum(map(len, by_target.values()))


def _give(pump: Pump, share: int) -> None:
    was, pump.share = pump.share, share
    if share > was:
        pump.wake.set()


def _pass_on(pump: Pump, target: Target) -> None:
    was, pump.health.target = pump.health.target, target
    if target != was:
        pump.wake.set()
