"""The log: every consumer sees every entry once, in order, also one that is committed late."""

import asyncio

import pytest
from sqlalchemy import func, select

from runtime import log
from runtime.log import Entry, Snapshot
from runtime.store import Store
from tests.fixtures.clock import START


def entry(name: str, kind: str = "payment.cleared") -> Entry:
    """Make an entry."""
    return Entry(id=name, kind=kind, key="service", value=f"value of {name}", at=START)


async def append(store: Store, *names: str, kind: str = "payment.cleared") -> int:
    """Append entries in a transaction of their own; returns how many were new."""
    count = select(func.count()).select_from(log.log_entry)
    async with store.begin() as tx:
        before = await tx.scalar(count)
        await log.append(tx, [entry(name, kind) for name in names])
        return int(await tx.scalar(count) - before)


async def read(store: Store, consumer: str, *kinds: str, entries_max: int = 100) -> list[str]:
    """Read on and advance the cursor, in one transaction."""
    async with store.begin() as tx:
        found = await log.read(tx, consumer, kinds, entries_max=entries_max)
        if found:
            await log.advance(tx, consumer, found[-1])
    return [each.id for each in found]


async def test_each_consumer_reads_everything_once_in_order(store):
    """Cursors are apart: each consumer gets all entries, oldest first, and none again."""
    assert await append(store, "a", "b") == 2
    assert await read(store, "portal") == ["a", "b"]
    assert await append(store, "c") == 1
    assert await read(store, "portal") == ["c"]
    assert await read(store, "portal") == []
    assert await read(store, "crm", entries_max=2) == ["a", "b"]
    assert await read(store, "crm") == ["c"]


async def test_an_entry_comes_back_as_it_was_written(store):
    """Nothing of an entry is lost or changed."""
    await append(store, "a")
    async with store.read() as tx:
        found = await log.after(tx, 0)
    assert [(e.id, e.kind, e.key, e.value, e.at) for e in found] == [
        ("a", "payment.cleared", "service", "value of a", START)
    ]


async def test_a_consumer_sees_its_kinds_alone(store):
    """Entries of other kinds are stepped over."""
    await append(store, "a", kind="notice")
    await append(store, "b", kind="possession.changed")
    await append(store, "c", kind="notice")
    assert await read(store, "messages", "notice") == ["a", "c"]
    assert await read(store, "billing", "possession.changed", "other") == ["b"]


async def place(store: Store, consumer: str) -> int:
    """Return where a cursor stands."""
    c = log.log_cursor.c
    async with store.read() as tx:
        return await tx.scalar(select(c.position).where(c.consumer == consumer))


async def test_what_is_not_for_a_consumer_is_looked_at_once(store):
    """Where nothing is found the cursor goes to the end of what was looked through."""
    await append(store, *(f"{n}" for n in range(5)), kind="notice")
    assert await read(store, "billing", "possession.changed") == []
    async with store.read() as tx:
        (newest,) = await log.latest(tx, entries_max=1)
    assert await place(store, "billing") == newest.position
    await append(store, "box", kind="possession.changed")
    await append(store, "more", kind="notice")
    assert await read(store, "billing", "possession.changed") == ["box"]
    assert await place(store, "billing") == newest.position + 1
    assert await read(store, "billing", "possession.changed") == []
    assert await place(store, "billing") == newest.position + 2


async def more(store, consumer, kinds) -> bool:
    """Look in a transaction of its own whether there is more."""
    async with store.read() as tx:
        return await log.has_more(tx, consumer, kinds)


async def test_a_look_whether_there_is_more_changes_nothing(store):
    """Before anybody has read, and behind the cursor: what is there is told and stays unread."""
    kinds = ["possession.changed"]
    await append(store, "a", kind="notice")
    assert not await more(store, "billing", kinds)
    await append(store, "b", kind="possession.changed")
    for _ in range(2):
        assert await more(store, "billing", kinds)
    assert await read(store, "billing", *kinds) == ["b"]
    assert not await more(store, "billing", kinds)


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_a_look_whether_there_is_more_waits_for_no_reader(store):
    """While one reader keeps a cursor locked, others tell whether there is more."""
    await append(store, "a", kind="notice")
    async with store.begin() as tx:
        assert await log.read(tx, "portal", []) != []
        assert await more(store, "portal", ["notice"])


async def test_the_same_id_twice_is_one_entry(store):
    """Appending again changes nothing and says so."""
    assert await append(store, "a", "b") == 2
    assert await append(store, "b", "c", "c") == 1
    assert await read(store, "portal") == ["a", "b", "c"]


async def test_a_cursor_that_is_rolled_back_reads_again(store):
    """Reading counts only with the transaction that acted on it."""
    await append(store, "a")

    async def fail() -> None:
        async with store.begin() as tx:
            found = await log.read(tx, "portal", [])
            await log.advance(tx, "portal", found[-1])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await read(store, "portal") == ["a"]


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_a_cursor_never_steps_over_a_late_commit(store):
    """An entry written first and committed last is read first, and nothing is read before it."""
    other = Store(store.url.render_as_string(hide_password=False))
    async with store.begin() as early:
        await log.append(early, [entry("early")])
        await early.fetch("SELECT 1")  # what was put goes before
        await append(other, "quick")
        assert await read(other, "portal") == []
        await log.append(early, [entry("early too")])
    assert await read(other, "portal") == ["early", "quick", "early too"]
    await append(other, "later")
    assert await read(other, "portal") == ["later"]
    await other.close()


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_a_cursor_that_found_nothing_steps_over_no_late_commit_either(store):
    """An entry that is committed after a reader found nothing is read by its next look."""
    other = Store(store.url.render_as_string(hide_password=False))
    async with store.begin() as early:
        await log.append(early, [entry("early", "possession.changed")])
        await append(other, "quick", kind="notice")
        assert await read(other, "billing", "possession.changed") == []
    assert await read(other, "billing", "possession.changed") == ["early"]
    assert await read(other, "billing", "possession.changed") == []
    await other.close()


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_writers_that_do_not_append_hold_nobody_up(store):
    """A long transaction that writes elsewhere does not delay the readers of the log."""
    other = Store(store.url.render_as_string(hide_password=False))
    async with store.begin() as long:
        await log.publish(long, "entitlement", [Snapshot(key="s", revision=1, value="")])
        await append(other, "quick")
        assert await read(other, "portal") == ["quick"]
    await other.close()


async def test_a_crowd_of_writers_loses_nothing(store):
    """With many overlapping writers and a hasty reader, all entries are read once."""
    writing = [asyncio.create_task(_write_slowly(store, n)) for n in range(40)]
    seen: list[str] = []
    while not all(task.done() for task in writing):
        seen += await read(store, "portal", entries_max=3)
        await asyncio.sleep(0)
    while more := await read(store, "portal"):
        seen += more
    assert sorted(seen) == sorted(f"{n}-{half}" for n in range(40) for half in "ab")


async def _write_slowly(store: Store, number: int) -> None:
    async with store.begin() as tx:
        await log.append(tx, [entry(f"{number}-a")])
        for _ in range(number % 7):
            await tx.fetch("SELECT 1")
        await log.append(tx, [entry(f"{number}-b")])


async def test_two_readers_of_one_name_take_turns(store):
    """Whoever comes second waits for the first and goes on where that one stopped."""
    await append(store, *(f"{n}" for n in range(10)))
    parts = await asyncio.gather(*(read(store, "portal", entries_max=5) for _ in range(3)))
    assert sorted(name for part in parts for name in part) == [f"{n}" for n in range(10)]
    assert sorted(len(part) for part in parts) == [0, 5, 5]


async def test_a_cursor_never_goes_back(store):
    """Advancing to an entry that was passed already changes nothing."""
    await append(store, "a", "b")
    async with store.begin() as tx:
        first, second = await log.read(tx, "portal", [])
        await log.advance(tx, "portal", second)
        await log.advance(tx, "portal", first)
    assert await read(store, "portal") == []


async def test_a_snapshot_only_rises(store):
    """The newest revision of each key is kept, whatever comes late; keys are listed in pages."""
    async with store.begin() as tx:
        given = [
            Snapshot(key="b", revision=2, value="two"),
            Snapshot(key="a", revision=1, value="x"),
        ]
        await log.publish(tx, "entitlement", given)
        await log.publish(tx, "entitlement", [Snapshot(key="b", revision=1, value="one")])
        await log.publish(tx, "other", [Snapshot(key="b", revision=9, value="nine")])
        await log.publish(tx, "entitlement", [])
    async with store.read() as tx:
        found = await log.newest(tx, "entitlement", ["a", "b", "c"])
        assert {key: each.value for key, each in found.items()} == {"a": "x", "b": "two"}
        assert await log.keys_after(tx, "entitlement", "", keys_max=1) == ["a"]
        assert await log.keys_after(tx, "entitlement", "a", keys_max=9) == ["b"]


async def test_people_see_the_newest_first(store):
    """The end of the log, newest first."""
    await append(store, "a", "b", "c")
    async with store.read() as tx:
        assert [each.id for each in await log.latest(tx, entries_max=2)] == ["c", "b"]
