"""Deeds are linked in their order, each once; what is done to one afterwards is found and named."""

import asyncio
from collections.abc import Sequence

import pytest

from app.migrations import LOCATION
from runtime.store import Store, Tx, migrate
from runtime.store.audit import Deed, record
from runtime.store.chain import START, UNBROKEN, is_behind, link, newest_link, seal
from runtime.store.rules import judge
from tests.fixtures.clock import START as NOW
from tests.flows.billing.schema import tamper


def deed(name: str) -> Deed:
    """Make a deed whose reason is its name."""
    return Deed(at=NOW, actor="ann", action="box.move", subject="box:1", reason=name, after="x")


async def done(store: Store, *names: str) -> None:
    """Do something, in one transaction."""
    async with store.begin() as tx:
        await record(tx, [deed(name) for name in names])


async def linked(store: Store) -> int:
    """Link whatever can be; returns how many links there are."""
    async with store.begin() as tx:
        await seal(tx)
    async with store.read() as tx:
        return (await newest_link(tx)).n


async def broken(tx: Tx) -> Sequence[tuple[str, str]]:
    """Say what breaks the chain."""
    verdict = await judge(tx, UNBROKEN, offences_max=20)
    assert verdict.count == len(verdict.offences)
    return [(one.key, one.told.partition(":")[0]) for one in verdict.offences]


async def test_each_deed_is_linked_once_in_its_order(store: Store):
    """However often it is asked for; what was rolled back leaves no gap."""
    assert await linked(store) == 0
    await done(store, "one", "two")
    async with store.rehearse() as tx:
        await record(tx, [deed("never")])
    await done(store, "three")
    async with store.read() as tx:
        assert await is_behind(tx)
    assert [await linked(store) for _ in range(2)] == [3, 3]
    async with store.read() as tx:
        assert not await is_behind(tx)
        assert await broken(tx) == []
        assert (await newest_link(tx)) == await link(tx, 3)
        assert await link(tx, 4) is None


async def test_the_same_deeds_have_the_same_links(store: Store, sqlite_store: Store):
    """Each engine tells the same, so that a copied database keeps its chain."""
    for one in (store, sqlite_store):
        await done(one, "one", "two")
        await linked(one)
    async with store.read() as here, sqlite_store.read() as there:
        assert await newest_link(here) == await newest_link(there) != START


COLUMNS = "position, at, actor, action, subject, reason"
# What somebody does to four linked deeds and one that is not, and what is said of which.
CHANGES = {
    "changed": (["UPDATE audit SET actor = 'bob' WHERE position = 2"], [("2", "not as")]),
    "its time": (["UPDATE audit SET at = at + 1 WHERE position = 3"], [("3", "not as")]),
    "emptied": (["""UPDATE audit SET "after" = NULL WHERE position = 1"""], [("1", "not as")]),
    "gone": (["DELETE FROM audit WHERE position = 2"], [("2", "is gone")]),
    "gone with its link": (
        [
            "DELETE FROM audit WHERE position = 2",
            "DELETE FROM audit_link WHERE deed = 2",
        ],
        [("3", "link 3 follows link 1"), ("3", "not as")],
    ),
    "unlinked": (
        ["DELETE FROM audit_link WHERE deed = 2"],
        [("3", "link 3 follows link 1"), ("3", "not as"), ("2", "was slipped in")],
    ),
    "slipped in": (
        [f"INSERT INTO audit ({COLUMNS}) VALUES (0, 1, 'bob', 'box.move', 'box:1', '')"],
        [("0", "was slipped in")],
    ),
    "two exchanged": (
        [
            "UPDATE audit SET reason = 'three' WHERE position = 2",
            "UPDATE audit SET reason = 'two' WHERE position = 3",
        ],
        [("2", "not as"), ("3", "not as")],
    ),
    "a link rewritten": (
        ["UPDATE audit_link SET digest = 'f' WHERE n = 2"],
        [("2", "not as"), ("3", "not as")],
    ),
    "one that has no link yet": (["UPDATE audit SET actor = 'bob' WHERE position = 5"], []),
}


async def test_what_is_done_to_a_linked_deed_is_found_and_named(store: Store):
    """Past all guards: who changed, took away or slipped in a deed in the middle is shown."""
    await done(store, "one", "two", "three", "four")
    await linked(store)
    await done(store, "five")
    for what, (changes, found) in CHANGES.items():
        async with store.rehearse() as tx:
            await tamper(tx, *changes)
            told = await broken(tx)
        wanted = [
            (key, "is not as it was linked" if word == "not as" else word) for key, word in found
        ]
        assert told == wanted, what


async def test_who_writes_late_is_waited_for_and_waits_for_nobody(postgres_store: Store):
    """A deed whose place was given out before is linked before those that were committed first."""
    async with postgres_store.begin() as late:
        await record(late, [deed("late")])
        await late.fetch("SELECT 1")  # what was put goes before
        # Somebody else: whoever waits for himself would wait for ever.
        await asyncio.create_task(done(postgres_store, "soon"))
        assert await asyncio.create_task(linked(postgres_store)) == 0
    assert await linked(postgres_store) == 2
    async with postgres_store.read() as tx:
        first = await tx.fetch(
            "SELECT a.reason FROM audit a JOIN audit_link l ON l.deed = a.position ORDER BY l.n"
        )
        assert [str(row[0]) for row in first] == ["late", "soon"]
        assert await broken(tx) == []


async def test_many_who_write_and_many_who_link_make_one_chain(postgres_store: Store):
    """Writers at once, some of whom fail, and linkers at once: each deed has one link, in order."""

    async def write(n: int) -> None:
        if n % 3:
            await done(postgres_store, f"{n}", f"{n} too")
        else:
            async with postgres_store.rehearse() as tx:
                await record(tx, [deed("never")])

    writers = [write(n) for n in range(30)]
    linkers = [linked(postgres_store) for _ in range(10)]
    await asyncio.gather(*(one for pair in zip(writers[:10], linkers, strict=True) for one in pair))
    await asyncio.gather(*writers[10:])
    assert await linked(postgres_store) == 40
    async with postgres_store.read() as tx:
        assert await broken(tx) == []


async def test_deeds_of_an_older_version_are_linked_when_it_is_migrated(database_url: str):
    """Whatever stood there before the migration is linked by it, in pages."""
    await migrate.upgrade(database_url, LOCATION, to="0034")
    before = Store(database_url)
    async with before.begin() as tx:
        await tx.driver(
            "INSERT INTO audit (at, actor, action, subject, reason) VALUES "
            + ", ".join(f"({n}, 'ann', 'box.move', 'box:{n}', 'why')" for n in range(4_100))
        )
    await before.close()
    await migrate.upgrade(database_url, LOCATION)
    store = Store(database_url)
    async with store.read() as tx:
        assert (await newest_link(tx)).n == 4_100
        assert await broken(tx) == []
        assert not await is_behind(tx)
    await store.close()


@pytest.fixture
async def postgres_store(copied_postgres):
    """Return a store over a migrated PostgreSQL database."""
    opened = Store(copied_postgres)
    yield opened
    await opened.close()
