"""The bell: a ring wakes whoever waits, is kept for whoever comes, and carries nothing."""

import asyncio

from runtime.bell import LocalBell
from runtime.log import snapshot
from runtime.store import Store
from runtime.store.watch import ForeignCommits


async def test_a_ring_wakes_all_that_wait_for_its_kind():
    """Those that wait for another kind sleep on."""
    bell = LocalBell()
    waiting = [asyncio.create_task(bell.wait(kind, 5)) for kind in ("a", "a", "b")]
    await asyncio.sleep(0)
    bell.ring(["a"])
    assert await asyncio.gather(*waiting[:2]) == [True, True]
    assert not waiting[2].done()
    bell.ring_all()
    assert await waiting[2]


async def test_a_ring_between_two_waits_is_not_lost():
    """The next wait returns at once, and only that one."""
    bell = LocalBell()
    assert not await bell.wait("a", 0)
    bell.ring(["a", "b"])
    bell.ring(["a"])
    assert await bell.wait("a", 0)
    assert not await bell.wait("a", 0)
    assert await bell.wait("b", 0)


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
