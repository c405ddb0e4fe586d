"""The lead: one process has it at a time, and nobody for long."""

import asyncio
from datetime import timedelta

import pytest

from app.roles.leading import Leading
from runtime.chance import SystemChance
from runtime.clock import Clock
from runtime.lead import Lead, lead
from runtime.store import Store
from tests.fixtures.clock import FakeMachine

LEASE = timedelta(seconds=10)
SOON_S = 20.0


def lead_of(store: Store, machine: FakeMachine, lease: timedelta = LEASE) -> Lead:
    """Make the claim of one more process."""
    return Lead(store, Clock(machine), SystemChance(), "clock", lease=lease)


async def lapse(store: Store, machine: FakeMachine) -> None:
    """Let the lease run out, by whichever clock measures it."""
    machine.forward(LEASE)
    if not store.is_sqlite:
        async with store.begin() as tx:
            await tx.execute(lead.update().values(lease_until=1))


async def test_one_has_it_until_the_lease_is_over(store, machine):
    """Who has it renews it; the others get it when it was not renewed, and then the first not."""
    first, second = lead_of(store, machine), lead_of(store, machine)
    assert await first.take()
    assert not await second.take()
    assert await first.take()
    await lapse(store, machine)
    assert await second.take()
    assert not await first.take()


async def test_who_leaves_it_lets_another_have_it_at_once(store, machine):
    """Only who has it can leave it."""
    first, second = lead_of(store, machine), lead_of(store, machine)
    assert await first.take()
    await second.leave()
    assert not await second.take()
    await first.leave()
    assert await second.take()


async def test_many_at_once_are_one(store, machine):
    """Of many that ask at the same moment one is told yes."""
    many = [lead_of(store, machine) for _ in range(12)]
    assert sum(await asyncio.gather(*(one.take() for one in many))) == 1


class Duty:
    """Something to do while leading; it knows whether it is being done."""

    def __init__(self) -> None:
        self.is_going = False
        self.begun = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Do it until told to stop."""
        self.is_going, self.begun = True, self.begun + 1
        try:
            await stop.wait()
        finally:
            self.is_going = False


async def until(holds) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - the database tells no events
            await asyncio.sleep(0.01)


def leading(store: Store, duty: Duty) -> Leading:
    """Have a duty done by whoever leads, with a short lease by the true clock."""
    lease = timedelta(seconds=0.6)
    one = Lead(store, Clock(), SystemChance(), "clock", lease=lease)
    return Leading(one, {"duty": duty.run}, heartbeat_s=0.1, lease_s=lease.total_seconds())


async def test_a_dead_leader_is_followed_and_a_stopped_one_at_once(store):
    """Cut off without a word, its lease has to run out; told to stop, it leaves the lead."""
    duties = [Duty() for _ in range(3)]
    stops = [asyncio.Event() for _ in duties]
    tasks = []
    for duty, stop in zip(duties, stops, strict=True):
        tasks.append(asyncio.create_task(leading(store, duty).run(stop)))
        await until(lambda: duties[0].is_going)
    assert [duty.is_going for duty in duties] == [True, False, False]
    tasks[0].cancel()  # as if it were killed: nothing is left
    await until(lambda: duties[1].is_going or duties[2].is_going)
    now = duties.index(next(duty for duty in duties[1:] if duty.is_going))
    stops[now].set()
    await tasks[now]
    last = duties[3 - now]
    await until(lambda: last.is_going)
    stops[3 - now].set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [duty.begun for duty in duties] == [1, 1, 1]


async def test_a_leader_that_lost_it_stops(store):
    """Robbed of the lead it ends its duties, and begins them again when it is its turn."""
    duty, stop = Duty(), asyncio.Event()
    task = asyncio.create_task(leading(store, duty).run(stop))
    await until(lambda: duty.is_going)
    async with store.begin() as tx:
        await tx.execute(lead.update().values(token=1, lease_until=2**62))
    await until(lambda: not duty.is_going)
    async with store.begin() as tx:
        await tx.execute(lead.update().values(lease_until=1))
    await until(lambda: duty.is_going)
    stop.set()
    await task
    assert duty.begun == 2


async def test_a_duty_that_breaks_ends_the_process(store):
    """What a duty raises is raised, so that whoever watches the process starts it again."""

    async def broken(_stop: asyncio.Event) -> None:
        raise ZeroDivisionError

    one = Lead(store, Clock(), SystemChance(), "clock", lease=LEASE)
    led = Leading(one, {"duty": broken}, heartbeat_s=0.1, lease_s=10)
    with pytest.raises(ZeroDivisionError):
        await led.run(asyncio.Event())
