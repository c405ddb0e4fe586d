"""Two workers at one target: its limits hold for both together, whatever each of them sees."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from terms.entitlement import ServiceState
from terms.http import Answer
from tests.flows.app.test_two_workers import SharedDoor, Traffic, Worker
from tests.simulators.process import RunningSimulator

SERVICES = [f"s{n}" for n in range(1, 41)]
CAP = 6
RATE = 50.0
ODD_CALLS = 3  # one may come a little late and the next in time


class TimedDoor(SharedDoor):
    """A door that notes when each of its calls was begun."""

    def __init__(self, traffic: Traffic, begun_s: list[float]) -> None:
        super().__init__(traffic)
        self._begun_s = begun_s
        self.calls_count = 0

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Make the call."""
        self.calls_count += 1
        self._begun_s.append(asyncio.get_running_loop().time())
        return await super().call(method, url, **rest)


class TimedWorker(Worker):
    """A worker behind such a door."""

    def __init__(
        self, url: str, portal: RunningSimulator, traffic: Traffic, begun_s: list[float]
    ) -> None:
        self.begun_s = begun_s
        super().__init__(url, portal, traffic)

    def _open_door(self) -> SharedDoor:
        self.timed = TimedDoor(self.traffic, self.begun_s)
        self.door = self.timed
        return self.timed


@pytest.fixture
async def workers(
    copied_postgres: str, portal: RunningSimulator
) -> AsyncIterator[list[TimedWorker]]:
    """Return two workers on one PostgreSQL, with many services to bring to one portal."""
    traffic, begun_s = Traffic(), list[float]()
    both = [TimedWorker(copied_postgres, portal, traffic, begun_s) for _ in range(2)]
    await both[0].configure(in_flight_max=CAP, guard_share_percent=100, guard_floor=1000)
    await both[0].sign_up(*SERVICES)
    yield both
    for one in both:
        await one.close()


async def turn(worker: TimedWorker, services: Sequence[str], revision: int) -> None:
    """Have services turned on and off again, with odd revisions on."""
    state = ServiceState.ACTIVE if revision % 2 else ServiceState.SUSPENDED
    await worker.rights(services, state, "BASIC", revision=revision)


async def test_the_cap_holds_for_both_together(workers, portal):
    """No more rows are under way than the target stands, and both workers have their part."""
    left, right = workers
    await portal.aadmin("/faults", {"spec": "slow:80ms"})
    async with left.running(), right.running():
        for revision in range(1, 40):
            await turn(left, SERVICES, revision)
            await left.settled()
            if revision > 2 and all(one.timed.calls_count for one in workers):
                break
    assert all(one.timed.calls_count for one in workers), "both had something to do"
    counters = await portal.aadmin("/counters")
    assert 2 <= counters["in_flight_max"] <= CAP


async def test_the_rate_holds_for_both_together(workers, portal):
    """So many calls a second and no more in any second, and hardly less while there is work."""
    left, right = workers
    await left.configure(
        in_flight_max=CAP, calls_per_s=RATE, guard_share_percent=100, guard_floor=1000
    )
    async with left.running(), right.running():
        await turn(left, SERVICES, 1)
        await left.settled()
    begun_s = sorted(left.begun_s)
    assert len(begun_s) >= 2 * len(SERVICES)
    for first in begun_s:
        within = [one for one in begun_s if first <= one < first + 1]
        assert len(within) <= RATE + ODD_CALLS
    took_s = begun_s[-1] - begun_s[0]
    assert took_s >= (len(begun_s) - 1 - ODD_CALLS) / RATE


async def test_what_one_finds_down_the_other_leaves_alone(workers, portal):
    """A breaker that one has opened holds for both: together they make a probe now and then."""
    left, right = workers
    await turn(left, SERVICES, 1)
    await left.work_through()
    await portal.aadmin("/faults", {"spec": "down"})
    async with left.running(), right.running():
        await turn(left, SERVICES[:1], 2)

        for worker in workers:
            await worker.until(worker.sees_down)
        calls_before = len(left.begun_s)
        await turn(right, SERVICES, 4)
        await asyncio.sleep(3)
        # A probe is at most a few calls, and comes after 1, 1.5, 2.25 s.
        assert len(left.begun_s) - calls_before <= 8
        await portal.aadmin("/faults", {"clear": True})
        await left.settled()
    for service in SERVICES:
        account = await left.account(service)
        assert account is not None
        assert account["status"] == 0
