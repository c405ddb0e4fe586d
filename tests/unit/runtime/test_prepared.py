"""Prepared statements and conditions over many keys do what Core does, on both engines."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, func, select, update

from runtime.clock import business_clock
from runtime.log import Entry, Snapshot, append, log_entry, publish, snapshot
from runtime.store import Instant, Store
from runtime.store.among import KEYS, among, by_key, packed
from runtime.store.prepared import PreparedCommand, PreparedQuery

AT = datetime(2026, 3, 11, 9, 0, 0, 5, tzinfo=UTC)
ENTRIES = PreparedQuery(
    lambda engine: (
        select(log_entry.c.id, log_entry.c.at, log_entry.c.kind.label("what"))
        .where(among(engine, log_entry.c.id), log_entry.c.kind != "no'ne")
        .order_by(log_entry.c.id)
    )
)


async def written(store: Store, count: int) -> list[str]:
    """Write entries and return their ids."""
    ids = [f"é-{n:05d}'\"" for n in range(count)]
    async with store.begin() as tx:
        await append(tx, [Entry(id=i, kind="k", key="", value="", at=AT) for i in ids])
    return ids


async def test_typed_rows_of_many_keys(store: Store):
    """Rows come back typed and by name, for no key, one, and more than an IN list may have."""
    ids = await written(store, 40_000)
    async with store.read() as tx:
        for some in ([], ids[7:8], ids):
            rows = await ENTRIES.rows(tx, {KEYS: packed(tx.engine, some)})
            assert [row.id for row in rows] == some
            assert {(row.at, row.what) for row in rows} <= {(AT, "k")}
        core = await tx.rows(
            select(log_entry.c.id).where(among(tx.engine, log_entry.c.id)),
            {KEYS: packed(tx.engine, ids[:3])},
        )
        assert sorted(row.id for row in core) == ids[:3]


async def test_commands_bind_typed_values(store: Store):
    """Updates and deletes hit the rows that are meant, and no others."""
    moved = PreparedCommand(
        lambda _: (
            update(business_clock)
            .where(business_clock.c.id == bindparam("which"))
            .values(offset=bindparam("by", type_=business_clock.c.offset.type))
        )
    )
    gone = PreparedCommand(
        lambda engine: delete(log_entry).where(
            among(engine, log_entry.c.id), log_entry.c.at <= bindparam("at", type_=Instant)
        )
    )
    ids = await written(store, 5)
    async with store.begin() as tx:
        await moved.run(tx, {"which": 1, "by": timedelta(hours=3)})
        await moved.run(tx, {"which": 2, "by": timedelta(0)})
        offset = await tx.scalar(select(business_clock.c.offset))
        assert offset == timedelta(hours=3)
        some = packed(tx.engine, ids[:3])
        await gone.run(tx, {KEYS: some, "at": AT - timedelta(seconds=1)})
        assert await tx.scalar(select(func.count()).select_from(log_entry)) == 5
        await gone.run(tx, {KEYS: some, "at": AT})
        assert await tx.scalar(select(func.count()).select_from(log_entry)) == 2


async def test_rows_are_looked_up_from_the_keys_on(store: Store):
    """By a key of their own or by one of another table, each once, in the order that is asked."""
    ids = await written(store, 3)
    async with store.begin() as tx:
        await publish(tx, "t", [Snapshot(key=i, revision=1, value=f"of {i}") for i in ids])
    own = PreparedQuery(
        lambda engine: by_key(engine, select(log_entry.c.id), log_entry.c.id, order_by=("id",))
    )
    through = PreparedQuery(
        lambda engine: by_key(
            engine,
            select(snapshot.c.value.label("what"), snapshot.c.key),
            snapshot.c.key,
            via=(log_entry.c.id, log_entry.c.id),
            order_by=("key",),
        )
    )
    async with store.begin() as tx:
        for some in ([], ids[2:], [*reversed(ids), "nobody"]):
            given = {KEYS: packed(tx.engine, some)}
            wanted = sorted(set(some) & set(ids))
            assert [row.id for row in await own.rows(tx, given)] == wanted
            found = [(row.key, row.what) for row in await through.rows(tx, given)]
            assert found == [(one, f"of {one}") for one in wanted]
