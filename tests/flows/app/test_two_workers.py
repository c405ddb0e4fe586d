"""Two workers on one database: what one is at, the other leaves alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import permutations, product
from typing import Any

import pytest

from runtime.chance import SeededChance
from runtime.store import Store
from terms.entitlement import ServiceState
from terms.http import Answer
from tests.flows.gateway.world import WatchedDoor, World
from tests.simulators.process import RunningSimulator

SERVICES = [f"s{n}" for n in range(1, 13)]
ROUNDS_MIN, ROUNDS_MAX = 12, 200
STATES = (ServiceState.ACTIVE, ServiceState.SUSPENDED)
PLANS = (("BASIC",), ("BASIC", "SPORT"), ("BASIC", "SPORT", "KIDS"), ("PREMIUM",))
THREE = (
    (ServiceState.SUSPENDED, ("BASIC", "SPORT")),
    (ServiceState.ACTIVE, ("BASIC", "SPORT")),
    (ServiceState.ACTIVE, ("BASIC", "KIDS")),
)


class Traffic:
    """What both workers ask of the portal, by account: now, and at most at once."""

    def __init__(self) -> None:
        self.going: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()


class SharedDoor(WatchedDoor):
    """A door whose calls are counted together with those of the other worker's."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self.going, self.most_at_once = traffic.going, traffic.most_at_once
        self.writes_count = 0

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Make the call and watch it."""
        self.writes_count += method != "GET"
        return await super().call(method, url, **rest)


class Worker(World):
    """One worker with a store, a work queue and connections of its own."""

    def __init__(self, url: str, portal: RunningSimulator, traffic: Traffic) -> None:
        self.traffic = traffic
        super().__init__(Store(url), portal)

    def _open_door(self) -> SharedDoor:
        self.door = SharedDoor(self.traffic)
        return self.door

    async def close(self) -> None:
        """Close the doors and the store."""
        await super().close()
        await self.store.close()


@pytest.fixture
async def workers(migrated_url: str, portal: RunningSimulator) -> AsyncIterator[list[Worker]]:
    """Return two workers on one database, once on each engine; all services are lit."""
    traffic = Traffic()
    both = [Worker(migrated_url, portal, traffic) for _ in range(2)]
    first = both[0]
    await first.configure(guard_share_percent=100, guard_floor=1000)
    await first.sign_up(*SERVICES)
    await first.rights(SERVICES, ServiceState.ACTIVE, "BASIC", revision=1)
    await first.work_through()
    yield both
    for one in both:
        await one.close()


async def test_two_workers_never_act_on_one_service_at_a_time(workers, portal):
    """Both mark and work through the same services, and no two writes to one of them overlap."""
    left, right = workers
    before = await portal.aadmin("/counters")
    # Slow enough for the workers to meet at every service.
    await portal.aadmin("/faults", {"spec": "slow:5ms"})
    chance = SeededChance(11)
    stories = list(product(STATES, PLANS))
    last: dict[str, tuple[ServiceState, tuple[str, ...]]] = {}
    async with left.running(), right.running():
        for revision in range(2, 2 + ROUNDS_MAX):
            # One may be quick enough to take all of a round; some round leaves both something.
            if revision > ROUNDS_MIN and all(worker.door.writes_count for worker in workers):
                break
            for worker, services in ((left, SERVICES[::2]), (right, SERVICES[1::2])):
                state, codes = stories[chance.bits(16) % len(stories)]
                await worker.rights(services, state, *codes, revision=revision)
                last |= dict.fromkeys(services, (state, codes))
            # Rows that have just been written are marked by the other one, too.
            await asyncio.sleep(chance.fraction() * 0.05)
        await left.settled()
    counters = await portal.aadmin("/counters")
    assert counters["overlapping_writes"] == before["overlapping_writes"]
    refs = {left.ref(service) for service in SERVICES}
    assert {left.traffic.most_at_once[ref] for ref in refs} == {1}
    assert all(worker.door.writes_count for worker in workers), "both had something to do"
    for service, (state, codes) in last.items():
        await check_holds(left, service, state, codes)


async def test_rights_that_arrive_in_any_order_end_with_the_highest_revision(workers):
    """Suspend, restore and change, published in each order: the highest revision is held."""
    left, right = workers
    orders = list(permutations(enumerate(THREE, 2)))
    async with left.running(), right.running():
        for step in range(len(THREE)):
            for service, order in zip(SERVICES, [*orders, *orders], strict=True):
                revision, (state, codes) = order[step]
                worker = workers[revision % 2]
                await worker.rights([service], state, *codes, revision=revision)
        await left.settled()
    for service in SERVICES:
        state, codes = THREE[-1]
        await check_holds(left, service, state, codes)
        account = await left.account(service)
        assert account is not None
        assert account["comment"] == f"r{len(THREE) + 1}"
        carried = [
            entry["after"]["comment"]
            for entry in await left.changes(service)
            if "comment" in entry["after"]
        ]
        assert carried == sorted(carried)


async def check_holds(
    world: World, service: str, state: ServiceState, codes: Sequence[str]
) -> None:
    """The portal has the state, the tariff and the packages that were wished last."""
    account = await world.account(service)
    assert account is not None
    assert account["status"] == int(state.is_live)
    assert account["tariff_plan"] == ("premium" if "PREMIUM" in codes else "basic")
    if "BASIC" in codes:
        packages = {"SPORT": "sport", "KIDS": "kids"}
        assert set(account["subscribed"]) == {packages[code] for code in codes if code in packages}
