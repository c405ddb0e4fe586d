"""Duties that one process at a time has: started with the lead, ended when it is lost.

Whoever does not have the lead asks for it at every heartbeat, so that a dead leader is followed
within a lease. Every duty is harmless to repeat: two leaders for a moment are no harm either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from runtime.lead import Lead
from runtime.retry import pause
from runtime.telemetry import get_log

log = get_log()

Running = Callable[[asyncio.Event], Awaitable[None]]


class Leading:
    """Has duties done while this process has the lead."""

    def __init__(
        self, lead: Lead, duties: Mapping[str, Running], *, heartbeat_s: float, lease_s: float
    ) -> None:
        self.lead = lead
        self._duties = duties
        self._heartbeat_s = heartbeat_s
        self._lease_s = lease_s

    async def run(self, stop: asyncio.Event) -> None:
        """Lead whenever nobody else does, until told to stop; then leave the lead to others."""
        while not stop.is_set():
            if await self._takes():
                log.info("lead.taken", lead=self.lead.name)
                await self._lead(stop)
                log.info("lead.left", lead=self.lead.name)
            await _either(stop, self._heartbeat_s)

    async def _lead(self, stop: asyncio.Event) -> None:
        """Have the duties done until the lead is lost; one that ends by itself is a failure."""
        over = asyncio.Event()
        duties = [asyncio.create_task(_awaited(run, over)) for run in self._duties.values()]
        keeping = asyncio.create_task(self._keep(stop))
        try:
            done, _ = await asyncio.wait({*duties, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if keeping not in done:
                done.pop().result()
                raise RuntimeError("a duty ended before it was told to")
            over.set()
            if stop.is_set():
                # As long as whoever stops us allows: then this task is cancelled.
                await asyncio.wait(duties)
                with suppress(Exception):
                    await self.lead.leave()
        finally:
            for task in (*duties, keeping):
                task.cancel()
            await asyncio.gather(*duties, keeping, return_exceptions=True)

    async def _keep(self, stop: asyncio.Event) -> None:
        """Renew the lead; return when it is lost, or told to stop."""
        now_s = asyncio.get_running_loop().time
        ours_until_s = now_s() + self._lease_s
        while not stop.is_set():
            await _either(stop, min(self._heartbeat_s, ours_until_s - now_s()))
            asked_at_s = now_s()
            try:
                async with asyncio.timeout_at(ours_until_s):
                    is_ours = await self.lead.take()
                ours_until_s = asked_at_s + self._lease_s
            except Exception:  # noqa: BLE001 - a lease outlives a missed beat
                is_ours = now_s() < ours_until_s
            if not is_ours:
                return

    async def _takes(self) -> bool:
        try:
            return await self.lead.take()
        except Exception:  # noqa: BLE001 - the database is away: nobody leads, and lanes say so
            return False


async def _either(stop: asyncio.Event, within_s: float) -> None:
    """Wait for the time to pass or for the end."""
    waits = {asyncio.create_task(stop.wait()), asyncio.create_task(pause(within_s))}
    _, late = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()


async def _awaited(run: Running, stop: asyncio.Event) -> None:
    await run(stop)
