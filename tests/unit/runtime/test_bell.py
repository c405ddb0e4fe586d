"""The bell: a ring wakes whoever waits, is kept for whoever comes, and carries nothing.

What is true of one make is true of the other; in one process both ends are the same bell.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from runtime.bell import Bell, LocalBell
from runtime.bell.redis import RedisBell
from runtime.chance import SystemChance
from runtime.clock import utc_now
from runtime.log import snapshot
from runtime.store import Store
from runtime.store.watch import ForeignCommits

SOON_S = 20.0  # on a machine with better things to do


@pytest.fixture(params=["memory", "redis"])
async def bells(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Bell, Bell]]:
    """Return a bell to ring and a bell that hears it, once of each make."""
    if request.param == "memory":
        one = LocalBell()
        yield one, one
        return
    url = request.getfixturevalue("redis_url")
    both = [RedisBell(url, machine_now=utc_now, chance=SystemChance()) for _ in range(2)]
    for each in both:
        each.begin()
    async with asyncio.timeout(SOON_S):
        while not all(each.is_up for each in both):  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.01)
    yield both[0], both[1]
    for each in both:
        await each.close()


async def test_a_ring_wakes_all_that_wait_for_its_kind(bells):
    """Those that wait for another kind sleep on, at either end."""
    rung, heard = bells
    ends = (rung, heard, rung, heard)
    waiting = [asyncio.create_task(bell.wait("a", SOON_S)) for bell in ends]
    other = asyncio.create_task(heard.wait("b", SOON_S))
    await asyncio.sleep(0)
    rung.ring(["a"])
    assert await asyncio.gather(*waiting) == [True] * len(ends)
    assert not other.done()
    rung.ring_all()
    assert await other


async def test_a_ring_between_two_waits_is_not_lost(bells):
    """The next wait returns at once, and only that one; many rings are one."""
    rung, heard = bells
    assert not await heard.wait("a", 0)
    rung.ring(["a", "b"])
    rung.ring(["a"])
    rung.ring(["last"])
    assert await heard.wait("last", SOON_S)
    assert await heard.wait("a", 0)
    assert not await heard.wait("a", 0)
    assert await heard.wait("b", 0)


async def test_a_ringer_never_waits(bells):
    """Ten thousand rings are a matter of moments, and each kind is heard."""
    rung, heard = bells
    loop = asyncio.get_running_loop()
    began_at, turns = loop.time(), 0
    for number in range(10_000):
        rung.ring([f"kind-{number % 5}"])
        turns += 1
    assert (turns, loop.time() - began_at < SOON_S) == (10_000, True)
    for number in range(5):
        assert await heard.wait(f"kind-{number}", SOON_S)


async def test_commits_of_another_process_are_heard(sqlite_store, sqlite_url):
    """It tells of foreign commits since it was asked last, once, and never of our own."""
    commits = ForeignCommits(sqlite_store)
    assert not await commits.are_new()
    await _write(sqlite_store, "ours")
    assert not await commits.are_new()
    other = Store(sqlite_url)
    await _write(other, "theirs")
    await other.close()
    assert await commits.are_new()
    assert not await commits.are_new()


async def _write(store: Store, key: str) -> None:
    async with store.begin() as tx:
        await tx.insert(snapshot, [{"topic": "t", "key": key, "revision": 1, "value": ""}])


async def test_postgres_has_nothing_to_hear(store):
    """On PostgreSQL it knows of no commit, whoever makes one."""
    commits = ForeignCommits(store)
    if not store.is_sqlite:
        await _write(store, "ours")
        assert [await commits.are_new() for _ in range(2)] == [False, False]
