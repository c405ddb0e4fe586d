"""A row that never comes to an end is set aside, and holds nobody up meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from gateway.provisioning.pump import Pace
from runtime.chance import SystemChance
from runtime.clock import Clock
from runtime.store import Store
from runtime.work import Work
from runtime.work import work as work_table
from runtime.work.lane import ABANDONED, ALONE_AFTER_TRIES, TRIES_MAX
from terms.entitlement import ServiceState
from terms.http import Answer
from tests.flows.gateway.world import WatchedDoor, World
from tests.simulators.process import RunningSimulator

SUSPECT = "/1001"


class StrangeDoor(WatchedDoor):
    """A door that sees who calls beside the suspect, and may never come back from its calls."""

    hangs = False

    def __init__(self) -> None:
        super().__init__()
        self.beside: set[int] = set()

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Make the call."""
        if url.endswith(SUSPECT):
            self.beside.add(sum(self.going.values()))
            if self.hangs:
                await asyncio.Event().wait()
        elif self.going[SUSPECT.strip("/")]:
            self.beside.add(1)
        return await super().call(method, url, **rest)


class StrangeWorld(World):
    """A gateway behind a strange door."""

    door: StrangeDoor
    hangs = False

    def _open_door(self) -> StrangeDoor:
        self.door = StrangeDoor()
        self.door.hangs = self.hangs
        self.doors.append(self.door)
        return self.door


@pytest.fixture
async def strange(sqlite_store: Store, portal: RunningSimulator) -> AsyncIterator[StrangeWorld]:
    """Return a gateway with accounts wished but not yet made."""
    made = StrangeWorld(sqlite_store, portal)
    await made.configure()
    await made.sign_up(*(f"s{n}" for n in range(1, 7)))
    yield made
    await made.close()


async def wished(world: World, *services: str, tries: int) -> None:
    """Wish for accounts; s1 was claimed that often before, and never finished."""
    await world.rights(services, ServiceState.ACTIVE, "BASIC", revision=1)
    await world.composer.handle(await world.work.claim("compose"))
    async with world.store.begin() as tx:
        mine = update(work_table).where(work_table.c.key == "s1@north")
        await tx.execute(mine.values(attempts=tries))


async def test_a_row_whose_result_cannot_be_written_is_parked(strange: StrangeWorld):
    """After fifteen claims without an end it is parked; the others are done long before."""
    world = strange
    world.work = Work(world.store, Clock(), SystemChance(), lease=timedelta(seconds=0.3))
    world.pace = Pace(sweep_s=0.1, heartbeat_s=0.1)
    async with world.store.begin() as tx:
        await tx.execute(
            text(
                "CREATE TRIGGER poison BEFORE INSERT ON observed WHEN NEW.subject = 's1' "
                "BEGIN SELECT RAISE(ABORT, 'poison'); END"
            )
        )
    await wished(world, "s1", "s2", "s3", tries=TRIES_MAX - 3)
    await world.work_through()
    assert await world.parked() == {"s1@north": ABANDONED}
    assert (await world.account("s3"))["status"] == 1


async def test_a_suspect_is_tried_alone(strange: StrangeWorld):
    """What may be ending the process is called while no other row is, and then all go on."""
    world = strange
    await world.portal.aadmin("/faults", {"spec": "slow:20ms"})
    await wished(world, *(f"s{n}" for n in range(1, 7)), tries=ALONE_AFTER_TRIES)
    await world.work_through()
    assert world.door.beside == {0}
    for n in range(1, 7):
        assert (await world.account(f"s{n}"))["status"] == 1


async def test_a_run_that_hangs_frees_its_slot(strange: StrangeWorld):
    """A run that takes longer than any run may is cut off, counted and put back."""
    world = strange
    world.hangs = True
    await world.configure(in_flight_max=1)
    world.pace = Pace(sweep_s=0.1, heartbeat_s=0.1, run_s_max=0.3)
    await wished(world, "s1", "s2", tries=0)
    async with world.running():
        await world.until(lambda: world.account("s2"))

        async def is_told() -> bool:
            rows = await world.rows(select(work_table).where(work_table.c.key == "s1@north"))
            return bool(rows) and rows[0].attempts > 0 and "took longer" in (rows[0].error or "")

        await world.until(is_told)
