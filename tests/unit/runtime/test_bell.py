"""The bell: a ring wakes whoever waits, is kept for whoever comes, and carries nothing."""

import asyncio

from runtime.bell import LocalBell
from runtime.log import snapshot
from runtime.retry import pause
from runtime.store import Store
from runtime.store.watch import EVERY, foreign_commits


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
    """The watcher tells of foreign commits and never of our own."""
    heard = 0

    async def listen() -> None:
        nonlocal heard
        async for _ in foreign_commits(sqlite_store, every=EVERY / 20):
            heard += 1

    listening = asyncio.create_task(listen())
    await pause(0.05)
    await _write(sqlite_store, "ours")
    await pause(0.05)
    assert heard == 0
    other = Store(sqlite_url)
    await _write(other, "theirs")
    await other.close()
    while not heard:
        await pause(0.005)
    listening.cancel()


async def _write(store: Store, key: str) -> None:
    async with store.begin() as tx:
        await tx.insert(snapshot, [{"topic": "t", "key": key, "revision": 1, "value": ""}])


async def test_postgres_has_nothing_to_watch(store):
    """The watcher of a PostgreSQL store ends at once."""
    if not store.is_sqlite:
        assert [each async for each in foreign_commits(store)] == []
