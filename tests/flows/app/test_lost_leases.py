"""A worker that loses the lease of a row while it writes: the newest rights stand all the same."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.provisioning.pump import Pace
from gateway.provisioning.tables import observed, wish
from runtime.chance import SystemChance
from runtime.clock import Clock
from runtime.store import Store
from runtime.work import Work
from runtime.work import work as work_table
from terms.entitlement import ServiceState
from terms.http import Answer
from tests.flows.gateway.world import WatchedDoor, World
from tests.simulators.process import RunningSimulator

OPENING = b"status=1"


class SlowDoor(WatchedDoor):
    """A door that keeps the write which opens an account until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.cut, self.go = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.is_on_its_way = False

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Make the call; what is on its way arrives even where nobody waits for it any more."""
        if self.reached.is_set() or rest.get("body") != OPENING:
            return await super().call(method, url, **rest)
        self.reached.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cut.set()
            if self.is_on_its_way:
                await self.go.wait()
                await super().call(method, url, **rest)
            raise
        return await super().call(method, url, **rest)


class Worker(World):
    """One worker with a store, a work queue and connections of its own."""

    def __init__(self, url: str, portal: RunningSimulator) -> None:
        super().__init__(Store(url), portal)

    async def close(self) -> None:
        """Close the doors and the store."""
        await super().close()
        await self.store.close()


class SlowWorker(Worker):
    """A worker behind a slow door."""

    def _open_door(self) -> SlowDoor:
        self.door: SlowDoor = SlowDoor()
        return self.door


@pytest.fixture
async def workers(migrated_url: str, portal: RunningSimulator) -> AsyncIterator[list[Worker]]:
    """Return a slow worker and another one on one database, once on each engine; s1 is dark."""
    slow, other = SlowWorker(migrated_url, portal), Worker(migrated_url, portal)
    await slow.configure(guard_share_percent=100, guard_floor=1000)
    await slow.sign_up("s1")
    await slow.rights(["s1"], ServiceState.SUSPENDED, "BASIC", revision=1)
    await slow.work_through()
    yield [slow, other]
    await slow.close()
    await other.close()


async def stuck(slow: SlowWorker) -> None:
    """Let the slow one get stuck while it lights s1."""
    await slow.rights(["s1"], ServiceState.ACTIVE, "PREMIUM", revision=2)
    await asyncio.wait_for(slow.door.reached.wait(), 10)


async def outlived(slow: SlowWorker, other: Worker) -> None:
    """Let the other one darken it meanwhile."""
    await other.rights(["s1"], ServiceState.SUSPENDED, "PREMIUM", revision=3)

    async def is_composed() -> bool:
        return bool(await other.rows(select(wish).where(wish.c.revision == 3)))

    await other.until(is_composed)
    if slow.pace.heartbeat_s < 1:  # it believes in its lease, the database does not
        held = (await other.rows(select(work_table.c.token)))[0].token

        async def is_taken() -> bool:
            async with other.store.begin() as tx:
                mine = update(work_table).where(work_table.c.token == held)
                await tx.execute(mine.values(lease_until=1))
            return held not in {row.token for row in await other.rows(select(work_table))}

        await other.until(is_taken)


@asynccontextmanager
async def _after(first: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    await first
    yield


def sleepy(worker: Worker) -> None:
    """Its heart does not beat: the lease ends by the clock."""
    worker.work = Work(worker.store, Clock(), SystemChance(), lease=timedelta(seconds=1))
    worker.pace = Pace(sweep_s=0.2, heartbeat_s=60.0)


def robbed(worker: Worker) -> None:
    """Its clock stood still: it learns from a heartbeat that the row is another one's."""
    worker.pace = Pace(sweep_s=0.2, heartbeat_s=0.2)


async def dark_again(other: Worker) -> None:
    """Wait until the third revision was seen to be held."""

    async def is_dark() -> bool:
        return bool(await other.rows(select(observed).where(observed.c.revision == 3)))

    await other.until(is_dark, 15)


@pytest.mark.parametrize("loses", [sleepy, robbed])
async def test_a_run_ends_with_its_lease(workers, loses):
    """A write that was not sent when the lease was lost is never sent."""
    slow, other = workers
    loses(slow)
    async with slow.running(), _after(stuck(slow)), other.running():
        await outlived(slow, other)
        await dark_again(other)
        await asyncio.wait_for(slow.door.cut.wait(), 10)
        await other.settled()
        slow.door.go.set()
        await other.settled()
    lit = [one for one in await other.changes("s1") if one["after"].get("status") == 1]
    assert lit == []
    assert (await other.account("s1"))["status"] == 0


@pytest.mark.parametrize("loses", [sleepy, robbed])
async def test_a_write_of_a_lost_lease_is_looked_after(workers, loses):
    """A write that arrives after another worker proved something newer is found and undone."""
    slow, other = workers
    loses(slow)
    slow.door.is_on_its_way = True
    async with slow.running(), _after(stuck(slow)), other.running():
        await outlived(slow, other)
        await dark_again(other)
        await asyncio.wait_for(slow.door.cut.wait(), 10)
        slow.door.go.set()

        async def lit_and_dark() -> bool:
            changes = [one["after"].get("status") for one in await other.changes("s1")]
            return 1 in changes and 0 in changes[changes.index(1) :]

        await other.until(lit_and_dark, 15)
        await other.settled()
    assert (await other.account("s1"))["status"] == 0
