"""What happens by the clock: drift scans, looks for lost work, facts, and listening for others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from app.roles.activations import activate_proven
from app.roles.pictures import Pictures
from app.roles.possessions import take_possessions
from app.wiring import House
from billing.flows import replay
from runtime.retry import pause
from runtime.store.watch import foreign_commits
from runtime.telemetry import get_log

log = get_log()

FACTS_EVERY = timedelta(seconds=2)
LOST_EVERY = timedelta(days=1)


async def scan_for_drift(house: House, stop: asyncio.Event) -> None:
    """Compare every target with our wishes, again and again."""
    every = house.settings.drift_every_s
    while not await _over(stop, every):
        await _outlive("drift.scan", house.drift.scan_all())


async def hear_others(house: House, stop: asyncio.Event) -> None:
    """Ring for everything when another process has committed: it may have left work."""
    if house.store.is_sqlite:
        commits = foreign_commits(house.store)
        async for _ in commits:
            house.store.bell.ring_all()
            await _outlive("providers.refresh", house.refresh_providers())
    else:
        while not await _over(stop, house.settings.sweep_s):
            await _outlive("providers.refresh", house.refresh_providers())


async def take_facts(house: House, stop: asyncio.Event) -> None:
    """Hand possession facts to billing that no settling account came by to take."""
    while not await _over(stop, FACTS_EVERY.total_seconds()):
        await _outlive("facts.take", take_possessions(house))


async def activate_boxes(house: House, stop: asyncio.Event) -> None:
    """Note which boxes have proven themselves where they stand."""
    while not await _over(stop, FACTS_EVERY.total_seconds()):
        await _outlive("boxes.activate", activate_proven(house))


async def time_pictures(house: House, stop: asyncio.Event) -> None:
    """Measure how long households wait for what they have paid."""
    pictures = Pictures(house)
    while True:
        await _outlive("pictures.time", pictures.look())
        if await _over(stop, FACTS_EVERY.total_seconds()):
            return


async def find_lost(house: House, stop: asyncio.Event) -> None:
    """Mark what should have a row of work and has none: at the start, and every day."""
    while True:
        for kind in replay.KINDS:
            await _outlive("work.lost", _mark_lost(house, kind))
        if await _over(stop, LOST_EVERY.total_seconds()):
            return


async def _mark_lost(house: House, kind: str) -> None:
    after: str | None = ""
    while after is not None:
        async with house.store.begin() as tx:
            after = await replay.mark_lost(house.desk, tx, kind, after)


async def _outlive(what: str, step: Awaitable[object]) -> None:
    """Do one step; its failure is logged and the next one tries again."""
    try:
        await step
    except Exception:
        log.exception("scheduler.failed", step=what)


async def _over(stop: asyncio.Event, within_s: float) -> bool:
    """Wait; True when told to stop first."""
    waiting = asyncio.create_task(stop.wait())
    sleeping = asyncio.create_task(pause(within_s))
    _, late = await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    return stop.is_set()
