"""Processes that say that they are here, until they end, fall silent and are forgotten."""

import asyncio
from datetime import timedelta

from runtime.chance import SystemChance
from runtime.presence import FORGOTTEN_AFTER, SILENT_AFTER, Presence, listing, process
from runtime.retry import pause


def made(store, clock, role) -> Presence:
    """Make a process of a role."""
    return Presence(store, clock, SystemChance(), role=role, version="1.0")


async def listed(store, clock):
    """Tell who is here and who fell silent."""
    async with store.read() as tx:
        found = await listing(tx, clock.machine_now())
    return [(one.role, one.is_silent) for one in found]


async def aged(store, role, by: timedelta) -> None:
    """Let it be longer ago that somebody was seen."""
    async with store.begin() as tx:
        mine = process.update().where(process.c.role == role)
        (seen,) = await tx.rows(process.select().where(process.c.role == role))
        await tx.execute(mine.values(seen_at=seen.seen_at - by))


async def test_who_runs_is_listed_and_who_has_ended_is_not(store, clock):
    """It says so at once, by where and since when it runs, and takes that back at its end."""
    stop = asyncio.Event()
    running = asyncio.create_task(made(store, clock, "web").run(stop))
    while not await listed(store, clock):
        await pause(0.005)
    async with store.read() as tx:
        (one,) = await listing(tx, clock.machine_now())
    assert (one.role, one.version, one.is_silent, one.pid > 0) == ("web", "1.0", False, True)
    assert one.host
    stop.set()
    await running
    assert await listed(store, clock) == []


async def test_who_was_killed_falls_silent_and_is_forgotten(store, clock):
    """Others tell of it for a while; a process that comes back to itself is here again."""
    web, worker = made(store, clock, "web"), made(store, clock, "worker")
    await web.tell()
    await worker.tell()
    await aged(store, "web", SILENT_AFTER + timedelta(seconds=1))
    assert await listed(store, clock) == [("web", True), ("worker", False)]
    await web.tell()
    assert await listed(store, clock) == [("web", False), ("worker", False)]
    await aged(store, "web", FORGOTTEN_AFTER + timedelta(seconds=1))
    await worker.tell()
    assert await listed(store, clock) == [("worker", False)]


async def test_it_keeps_the_time_of_its_start(store, clock, machine):
    """Seen again and again, it has begun when it began."""
    web = made(store, clock, "web")
    for _ in range(3):
        await web.tell()
        machine.forward(timedelta(seconds=3))
    async with store.read() as tx:
        (one,) = await listing(tx, clock.machine_now())
    assert one.started_at <= one.seen_at
    async with store.read() as tx:
        assert len(await tx.rows(process.select())) == 1
