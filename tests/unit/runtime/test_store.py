"""The store: a transaction is whole or nothing, whatever happens to whoever opened it."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from runtime.bell import LocalBell
from runtime.log import log_cursor, snapshot
from runtime.store import Store
from terms.errors import Invalid
from tests.fixtures.store import SLOW_QUERY

ROOT = Path(__file__).parents[3]
postgres_alone = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)


def row(key: str, revision: int = 1, value: str = "v") -> dict[str, object]:
    """Make a row of the snapshot table, which has a key of two columns and a revision."""
    return {"topic": "t", "key": key, "revision": revision, "value": value}


async def keys(store: Store) -> list[str]:
    """Return the keys that are committed."""
    async with store.read() as tx:
        return [each.key for each in await tx.rows(select(snapshot.c.key).order_by("key"))]


async def test_an_error_undoes_the_whole_transaction(store):
    """What was written before the error is not there afterwards, by whichever path."""

    async def write() -> None:
        async with store.begin() as tx:
            await tx.execute(insert(snapshot).values(**row("core")))
            await tx.insert(snapshot, [row("bulk")])
            await tx.upsert(snapshot, [row("upsert")], key=("topic", "key"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write()
    assert await keys(store) == []
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("next")])
    assert await keys(store) == ["next"]


async def test_what_nobody_waits_for_is_there_for_whoever_asks_next(store):
    """A write that was put is seen by the next statement, in its order, and undone with the rest.

    Where it is all there is, the commit makes it durable.
    """
    moved = "UPDATE snapshot SET value = 'moved' WHERE key = 'a'"

    async def undone() -> None:
        async with store.begin() as tx:
            await tx.insert(snapshot, [row("a")])
            await tx.put(moved, ())
            assert await tx.fetch_all([("SELECT value FROM snapshot", ())]) == [[("moved",)]]
            await tx.put("DELETE FROM snapshot", ())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    assert await keys(store) == []
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("a")])
    async with store.begin() as tx:
        await tx.put(moved, ())
    async with store.read() as tx:
        assert await tx.scalar(select(snapshot.c.value)) == "moved"


async def test_few_rows_of_many_tables_are_there_as_if_each_had_gone_alone(store):
    """What is put into several tables is there for whoever asks next; a table that was written
    before has what comes later, and what is refused takes the rest with it.
    """
    key = ("topic", "key")
    for much in (1, 40):
        async with store.begin() as tx:
            await tx.insert(snapshot, [row(f"{much}.{n}") for n in range(much)])
            await tx.insert(log_cursor, [{"consumer": f"{much}", "position": much}])
            newer = [row(f"{much}.0", revision=2, value="newer")]
            await tx.upsert(snapshot, newer, key=key, rising="revision")
            await tx.put_new(snapshot, [row(f"{much}.0", value="old"), row("new")], key=key)
            found = await tx.rows(select(snapshot.c.value, snapshot.c.key))
            assert {each.value for each in found if each.key == f"{much}.0"} == {"newer"}
            assert len(found) == (2 if much == 1 else 42)
    before = await keys(store)

    async def refused() -> None:
        async with store.begin() as tx:
            await tx.insert(log_cursor, [{"consumer": "3", "position": 3}])
            await tx.insert(snapshot, [row("new")])

    with pytest.raises(IntegrityError):
        await refused()
    async with store.read() as tx:
        assert await tx.scalar(select(func.max(log_cursor.c.position))) == 40
    assert await keys(store) == before


async def test_the_log_is_brought_into_the_file_beside_who_writes(sqlite_url):
    """While a transaction is open what was committed before goes into the file; it waits for none.

    Pages that somebody still reads as they were stay in the log until that is over.
    """
    store = Store(sqlite_url)
    async with store.begin() as tx:
        await tx.insert(snapshot, [row(f"{n}") for n in range(2_000)])
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("open")])
        assert await tx.scalar(select(func.count()).select_from(snapshot)) == 2_001
        assert await store.checkpoint() == 0
    async with store.read() as reading:
        await reading.scalar(select(func.count()).select_from(snapshot))
        async with store.begin() as tx:
            await tx.insert(snapshot, [row("later")])
        assert await store.checkpoint() > 0
    assert await store.checkpoint() == 0
    assert len(await keys(store)) == 2_002
    await store.close()


async def test_a_put_that_fails_names_itself(store):
    """Whatever is wrong with it comes out before the commit counts, and nothing is stored."""

    async def write() -> None:
        async with store.begin() as tx:
            await tx.insert(snapshot, [row("a")])
            await tx.put("UPDATE snapshot SET revision = NULL", ())

    with pytest.raises(IntegrityError, match="UPDATE snapshot SET revision"):
        await write()
    assert await keys(store) == []


async def test_all_paths_write_in_one_transaction(store):
    """Core, bulk and driver statements see each other's rows before the commit."""
    async with store.begin() as tx:
        await tx.execute(insert(snapshot).values(**row("a")))
        await tx.insert(snapshot, [row("b")])
        assert len(await tx.fetch("SELECT key FROM snapshot")) == 2
        assert await tx.driver("DELETE FROM snapshot") == 2
        assert await tx.scalar(select(func.count()).select_from(snapshot)) == 0


async def test_cancelling_anywhere_leaves_all_or_nothing(store):
    """Cancelled at any step, both rows are there or none, and the next transaction works."""
    for steps in range(60):
        name = f"{steps:03}"
        task = asyncio.create_task(_write_two(store, name))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with store.begin() as tx:
            await tx.insert(snapshot, [row(f"{name}-after")])
        mine = [key for key in await keys(store) if key.startswith(name)]
        both = [f"{name}-after", f"{name}-one", f"{name}-two"]
        assert mine in ([f"{name}-after"], both)
        if not task.cancelled():
            assert mine == both


async def _write_two(store: Store, name: str) -> None:
    async with store.begin() as tx:
        await tx.insert(snapshot, [row(f"{name}-one")])
        await tx.execute(insert(snapshot).values(**row(f"{name}-two")))


@pytest.mark.parametrize("path", ["core", "driver"])
async def test_cancelling_a_running_statement_undoes_its_transaction(store, path):
    """A task that is cancelled while the database works leaves a clean connection behind."""
    begun = asyncio.Event()

    async def write() -> None:
        async with store.begin() as tx:
            await tx.insert(snapshot, [row("gone")])
            begun.set()
            if path == "core":
                await tx.rows(SLOW_QUERY[store.is_sqlite])
            else:
                await tx.fetch(str(SLOW_QUERY[store.is_sqlite]))

    task = asyncio.create_task(write())
    await begun.wait()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("kept")])
    assert await keys(store) == ["kept"]


async def test_the_bell_rings_after_the_commit_and_never_without_one(store):
    """Whoever hears the bell finds the row; a transaction that failed is not heard."""
    async with store.begin() as tx:
        tx.ring(["settle"])
        await tx.insert(snapshot, [row("a")])
        assert not await store.bell.wait("settle", 0)
    assert await store.bell.wait("settle", 1)

    async def fail() -> None:
        async with store.begin() as tx:
            tx.ring(["settle"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert not await store.bell.wait("settle", 0)


async def test_a_task_cannot_wait_for_itself(store):
    """A second transaction inside the first is refused; other tasks just wait their turn."""
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("a")])
        with pytest.raises(RuntimeError, match="open transaction"):
            await store.once("SELECT 1", ())
        other = asyncio.create_task(_write_two(store, "other"))
    await other
    assert await keys(store) == ["a", "other-one", "other-two"]


async def test_readers_do_not_wait_for_the_writer(store):
    """While a transaction writes, others read what was committed before."""
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("unseen")])
        async with asyncio.timeout(30):
            assert await keys(store) == []


async def test_a_reading_transaction_refuses_to_write(store):
    """Both engines refuse a write in a transaction that only reads."""
    async with store.read() as tx:
        with pytest.raises(DBAPIError):
            await tx.execute(insert(snapshot).values(**row("no")))


async def test_many_tasks_share_few_connections(store):
    """More transactions than connections wait for each other and all get through."""
    await asyncio.gather(*(_write_two(store, f"{n:02}") for n in range(40)))
    assert len(await keys(store)) == 80


@pytest.mark.parametrize("path", ["core", "driver", "bulk", "many"])
async def test_a_broken_rule_of_the_database_is_one_error_by_every_path(store, path):
    """The same key twice is an IntegrityError, and its text holds no value of a parameter."""
    twice = row("a", value="hush")

    async def write() -> None:
        async with store.begin() as tx:
            await tx.insert(snapshot, [row("a")])
            if path == "core":
                await tx.execute(insert(snapshot).values(**twice))
            elif path == "bulk":
                await tx.insert(snapshot, [twice])
            else:
                mark = "(?, ?, ?, ?)" if store.is_sqlite else "($1, $2, $3, $4)"
                values = ("t", "a", 2, "hush")
                sql = f"INSERT INTO snapshot (topic, key, revision, value) VALUES {mark}"
                await tx.driver(sql, values if path == "driver" else [values])

    with pytest.raises(IntegrityError) as caught:
        await write()
    assert "hush" not in str(caught.value)
    assert await keys(store) == []


async def test_upsert_overwrites(store):
    """New and old keys are written alike; of one key given twice the last one stays."""
    async with store.begin() as tx:
        key = ("topic", "key")
        await tx.upsert(snapshot, [row("a"), row("b")], key=key)
        await tx.upsert(snapshot, [row("b", value="x"), row("c"), row("b", value="y")], key=key)
        found = await tx.rows(select(snapshot.c.key, snapshot.c.value).order_by("key"))
    assert [tuple(each) for each in found] == [("a", "v"), ("b", "y"), ("c", "v")]


async def test_a_rising_upsert_never_goes_back(store):
    """Only a higher revision overwrites, within one call too."""
    key = ("topic", "key")
    async with store.begin() as tx:
        given = [row("a", 5, "five"), row("a", 3, "three")]
        await tx.upsert(snapshot, given, key=key, rising="revision")
        given = [row("a", 4, "four"), row("b", 1, "one")]
        await tx.upsert(snapshot, given, key=key, rising="revision")
        await tx.upsert(snapshot, [row("a", 5, "other")], key=key, rising="revision")
        found = await tx.rows(select(snapshot.c.value).order_by(snapshot.c.key))
    assert [each.value for each in found] == ["five", "one"]


async def test_insert_new_leaves_the_old_alone(store):
    """It counts the rows that were new, and the first of two alike is kept."""
    key = ("topic", "key")
    async with store.begin() as tx:
        await tx.insert(snapshot, [row("a", value="old")])
        given = [row("a", value="new"), row("b", value="first"), row("b", value="second")]
        assert await tx.insert_new(snapshot, given, key=key) == 1
        assert await tx.insert_new(snapshot, given, key=key) == 0
        found = await tx.rows(select(snapshot.c.value).order_by(snapshot.c.key))
    assert [each.value for each in found] == ["old", "first"]


async def test_bulk_writes_of_nothing_do_nothing(store):
    """An empty batch is no error."""
    async with store.begin() as tx:
        assert await tx.insert(snapshot, []) == 0
        await tx.upsert(snapshot, [], key=("topic", "key"))
        assert await tx.insert_new(snapshot, iter(()), key=("topic", "key")) == 0


async def test_a_value_too_long_is_refused_and_never_cut(store):
    """PostgreSQL refuses what does not fit; SQLite has no such limit and keeps it whole."""
    long = {"consumer": "c" * 41, "position": 1}
    if store.is_sqlite:
        async with store.begin() as tx:
            await tx.upsert(log_cursor, [long], key=("consumer",))
            assert await tx.scalar(select(func.length(log_cursor.c.consumer))) == 41
        return

    async def write() -> None:
        async with store.begin() as tx:
            await tx.upsert(log_cursor, [long], key=("consumer",))

    with pytest.raises(DBAPIError, match="too long"):
        await write()


@postgres_alone
async def test_a_spoilt_transaction_is_not_taken_for_a_commit(store):
    """PostgreSQL turns the commit after a swallowed error into a rollback: that is an error."""

    async def write() -> None:
        async with store.begin() as tx:
            await tx.insert(snapshot, [row("a")])
            with suppress(DBAPIError):
                await tx.fetch("SELECT nonsense")

    with pytest.raises(PendingRollbackError):
        await write()
    assert await keys(store) == []


@postgres_alone
async def test_lost_connections_are_replaced(store):
    """After the server has dropped every connection the next transaction opens a new one."""
    await asyncio.gather(*(_write_two(store, str(n)) for n in range(4)))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "

    async def end_all() -> None:
        async with store.begin() as tx:
            await tx.fetch(f"{end} current_database() AND pid <> pg_backend_pid()")
            await tx.fetch(f"{end} current_database()")

    with pytest.raises(DBAPIError):
        await end_all()
    await asyncio.gather(*(_write_two(store, f"new{n}") for n in range(4)))
    assert len(await keys(store)) == 16


async def test_two_processes_write_to_one_file(sqlite_store, sqlite_url):
    """The command line beside a running server waits its turn and is never told "locked"."""
    command = (sys.executable, "-c", OTHER_PROCESS, sqlite_url)
    other = asyncio.create_task((await asyncio.create_subprocess_exec(*command, cwd=ROOT)).wait())
    written = 0
    while not other.done():
        async with sqlite_store.begin() as tx:
            await tx.insert(snapshot, [row(f"mine-{written}")])
            await asyncio.sleep(0)
            await tx.upsert(snapshot, [row("shared", written)], key=("topic", "key"))
        written += 1
    assert other.result() == 0
    assert sum(key.startswith("theirs-") for key in await keys(sqlite_store)) == 100
    assert sum(key.startswith("mine-") for key in await keys(sqlite_store)) == written > 0


OTHER_PROCESS = """
import asyncio, sys
from runtime.log import snapshot
from runtime.store import Store

async def main():
    store = Store(sys.argv[1])
    for n in range(100):
        async with store.begin() as tx:
            found = len(await tx.fetch("SELECT key FROM snapshot"))
            row = {"topic": "t", "key": f"theirs-{n}", "revision": found, "value": ""}
            await tx.insert(snapshot, [row])
    await store.close()

asyncio.run(main())
"""


async def test_an_embedded_store_is_durable_and_checks_references(sqlite_store):
    """The write-ahead log is on, every commit is synced, references are enforced."""
    async with sqlite_store.begin() as tx:
        answers = [await _pragma(tx, name) for name in ("journal_mode", "synchronous")]
        assert answers == ["wal", 2]
        assert await _pragma(tx, "foreign_keys") == 1


async def _pragma(tx, name: str) -> object:
    answer: Sequence[Sequence[object]] = await tx.fetch(f"PRAGMA {name}")
    return answer[0][0]


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", "postgresql+x@://"]
)
def test_other_databases_are_refused_by_name(url):
    """An address that is neither a SQLite file nor PostgreSQL is a wrong setting."""
    with pytest.raises(Invalid, match="database_url"):
        Store(url)


def test_plain_addresses_get_our_drivers(tmp_path):
    """The operator never names a driver; one that is named is replaced."""
    assert Store("postgres://u:p@h/d").url.drivername == "postgresql+asyncpg"
    assert Store("postgresql+psycopg://u:p@h/d").url.drivername == "postgresql+asyncpg"
    bell = LocalBell()
    store = Store(f"sqlite:///{tmp_path}/new/folder/b.db", bell)
    assert store.bell is bell
    assert (tmp_path / "new" / "folder").is_dir()
