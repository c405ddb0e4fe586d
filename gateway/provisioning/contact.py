"""Targets that call us: what is done while a box is in contact, under the claim of its row.

A box that proves to hold its wish costs nothing but a place in the next batch of sightings. Any
other is reconciled inside its contact, by the same run as everywhere, with its row claimed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from gateway.adapters.inbound import Due
from gateway.adapters.sdk import Adapter
from gateway.provisioning import due, proofs
from gateway.provisioning.compose import Wish
from gateway.provisioning.errands import Errands
from gateway.provisioning.health import Health
from gateway.provisioning.holding import Holding, monotonic_s
from gateway.provisioning.jobs import load
from gateway.provisioning.keys import RECONCILE, key_of
from gateway.provisioning.lookup import Lookup
from gateway.provisioning.opening import Opened
from gateway.provisioning.proofs import Sighting
from gateway.provisioning.results import Result
from gateway.provisioning.runner import Runner
from runtime.retry import is_lost, pause, stopped_within
from runtime.store import Tx
from runtime.work import Claim, Work
from runtime.work import work as work_table

# A worker that rang the box writes its own result first; that takes a moment.
CLAIM_WAIT_S = 3.0
CLAIM_LOOK_S = 0.02
# Should this process end before it has taken a row it made, somebody else takes it then.
MADE_FOR_LATER = timedelta(seconds=30)
SIGHTINGS_MAX = 20_000
FLUSH_ROWS_MAX = 500
FLUSH_EVERY_S = 0.25
SWEEP_EVERY_S = 5.0


class Contacts:
    """The contacts of one target: the sdk's Contact. Runs beside whoever answers the calls."""

    def __init__(self, opened: Opened, work: Work, *, heartbeat_s: float) -> None:
        self.target = opened.target.name
        self.version = opened.target.version
        self.work = work
        self._holding = Holding(work, self.target, heartbeat_s=heartbeat_s)
        self._runner = Runner(Health(opened, work), work, self._holding, self._written)
        self._errands = Errands(self.target, work)
        self._lookup = Lookup(due.reader(work, self.target))
        self._seen: dict[str, Sighting] = {}
        self._known: dict[str, Wish] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Renew leases and write what was seen, until told to stop; then write the rest."""
        helpers = [*self._runner.start(), asyncio.create_task(self._sweep())]
        try:
            while not stop.is_set():
                await stopped_within(stop, FLUSH_EVERY_S)
                await self._flush()
            await self._runner.writer.flush()
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self._runner.ended()
            for loop in (f"errands {self.target}", f"sightings {self.target}"):
                self.work.store.outages.ended(loop)

    # -- the sdk's Contact

    async def due(self, ref: str) -> Due | None:
        """Give what there is for a box; None for one nobody wishes anything for."""
        found = await self._lookup.find(ref)
        if found is None:
            self._known.pop(ref, None)
            return None
        wish, has_errands = found
        self._known[ref] = wish
        return Due(wish=wish.value, has_errands=has_errands)

    def seen(self, ref: str, proof: int) -> None:
        """Note that the box called and proved to hold the wish of that revision."""
        wish = self._known.pop(ref, None)
        if wish is not None and wish.revision == proof and len(self._seen) < SIGHTINGS_MAX:
            self._seen[ref] = Sighting(wish=wish, at=self.work.clock.machine_now())

    async def reconcile(self, ref: str, adapter: Adapter[Any]) -> None:
        """Make the box hold its wish by an adapter that speaks through this contact."""
        wish = self._known.pop(ref, None)
        if wish is None:
            return
        renewed_at = monotonic_s()
        claims = await self._claim(key_of(wish.subject, self.target))
        jobs, gone = await load(self.work.store, self.target, claims, renewed_at=renewed_at)
        if gone:
            async with self.work.store.begin() as tx:
                await self.work.complete(tx, gone)
        for job in jobs:
            self._holding.take(job)
            await self._runner.gate.foresee([job])
            await self._runner.one(job, adapter)
            self._runner.writer.hurry()

    async def _claim(self, key: str) -> Sequence[Claim]:
        """Claim the row of the box, made where there is none; empty where it is parked or held."""
        until = monotonic_s() + CLAIM_WAIT_S
        while True:
            async with self.work.store.begin() as tx:
                if not await self._is_wanted(tx, key):
                    return ()
            claims = await self.work.take(RECONCILE, [key])
            if claims or monotonic_s() >= until:
                return claims
            await pause(CLAIM_LOOK_S)

    async def _is_wanted(self, tx: Tx, key: str) -> bool:
        """Tell whether the box may be worked on; one that is not what it should be gets a row."""
        row = work_table.c
        query = select(row.parked_at).where(row.kind == RECONCILE, row.key == key)
        found = await tx.first(query)
        if found is None:
            # Not due, so that no pump takes it before us: a pump would believe what was last seen.
            later = await self.work.clock.business_now(tx) + MADE_FOR_LATER
            await self.work.schedule(tx, RECONCILE, {key: later}, target=self.target)
            return True
        return found.parked_at is None

    # -- writing

    def _written(self, result: Result) -> None:
        self._holding.forget(result.job)

    async def _sweep(self) -> None:
        """End the errands whose time is over, now and then, for ever."""
        outages, name = self.work.store.outages, f"errands {self.target}"
        while True:
            try:
                await self._errands.sweep()
            except Exception as error:  # noqa: BLE001 - the next one may get through
                outages.failed(name, error)
            else:
                outages.passed(name)
            await pause(SWEEP_EVERY_S)

    async def _flush(self) -> None:
        outages, name = self.work.store.outages, f"sightings {self.target}"
        while self._seen:
            batch = [self._seen.pop(ref) for ref in list(self._seen)[:FLUSH_ROWS_MAX]]
            try:
                async with self.work.store.begin() as tx:
                    await proofs.write(tx, self.work, self.target, batch)
            except Exception as error:  # noqa: BLE001 - a sighting lost is seen again
                outages.failed(name, error)
                if is_lost(error):
                    # It asks again when the next box has called.
                    outages.rests(name)
                    return
            else:
                outages.passed(name)
