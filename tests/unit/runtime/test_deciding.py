"""Deciding: what follows from what was read is written whole, if that is still so."""

import asyncio

import pytest
from sqlalchemy import select

from runtime.log import snapshot
from runtime.patience import Moved
from runtime.store import Store

WITHIN_S = 30.0


def row(key: str, value: str = "v") -> dict[str, object]:
    """Make a row of the snapshot table."""
    return {"topic": "t", "key": key, "revision": 1, "value": value}


async def values(store: Store) -> dict[str, str]:
    """Return what is committed."""
    async with store.read() as tx:
        return {one.key: one.value for one in await tx.rows(select(snapshot))}


async def put(store: Store, key: str, value: str = "v") -> None:
    """Write a row in a transaction of its own."""
    async with store.begin() as tx:
        await tx.upsert(snapshot, [row(key, value)], key=("topic", "key"))


async def still(tx, key: str, value: str) -> None:
    """Insist on a row being as it was read."""
    text = "UPDATE snapshot SET value = value WHERE key = ?1 AND value = ?2"
    await tx.expect(text.replace("?", "$") if tx.engine == "postgresql" else text, (key, value), 1)


async def test_what_is_decided_is_written_on_leaving(store):
    """Rows, bulk and single statements arrive together, and the bell rings once they are there."""
    await put(store, "a", "old")
    ring = asyncio.create_task(store.bell.wait("x", WITHIN_S))
    async with store.decide() as deciding:
        ((value,),) = await deciding.look.rows(select(snapshot.c.value))
        await still(deciding.tx, "a", value)
        await deciding.tx.upsert(snapshot, [row("a", f"{value}er")], key=("topic", "key"))
        await deciding.tx.put_new(snapshot, [row("a", "never"), row("b")], key=("topic", "key"))
        deciding.tx.ring(["x"])
    assert await values(store) == {"a": "older", "b": "v"}
    assert await ring
    # On PostgreSQL nobody has waited for it.
    assert (deciding.held_s > 0) == store.is_sqlite


async def test_how_long_others_wait_counts_from_what_they_want(store):
    """On either engine a transaction that holds what others want has kept them waiting."""
    async with store.decide() as deciding:
        deciding.tx.hold()
        await deciding.tx.insert(snapshot, [row("a")])
    assert deciding.held_s > 0


async def test_others_write_while_somebody_decides(sqlite_store):
    """On SQLite the one connection that writes is free meanwhile, and what was read stays so."""
    await put(sqlite_store, "a", "old")
    async with sqlite_store.decide() as deciding:
        before = await deciding.look.rows(select(snapshot.c.value))
        async with asyncio.timeout(WITHIN_S):
            await asyncio.create_task(put(sqlite_store, "a", "new"))
        assert await deciding.look.rows(select(snapshot.c.value)) == before
        await deciding.tx.insert(snapshot, [row("b")])
    assert await values(sqlite_store) == {"a": "new", "b": "v"}


async def test_what_is_not_so_any_more_undoes_it_all(sqlite_store):
    """Where a row has moved nothing is written, and the next one finds a connection that works."""
    await put(sqlite_store, "a", "old")

    async def decide() -> None:
        async with sqlite_store.decide() as deciding:
            await deciding.look.rows(select(snapshot.c.value))
            await deciding.tx.insert(snapshot, [row("b")])
            await asyncio.create_task(put(sqlite_store, "a", "new"))
            await still(deciding.tx, "a", "old")
            await deciding.tx.insert(snapshot, [row("c")])

    with pytest.raises(Moved):
        await decide()
    assert await values(sqlite_store) == {"a": "new"}
    await put(sqlite_store, "d")
    assert sorted(await values(sqlite_store)) == ["a", "d"]


async def test_an_error_while_deciding_writes_nothing(store):
    """Whoever fails has written nothing."""

    async def fail() -> None:
        async with store.decide() as deciding:
            await deciding.tx.insert(snapshot, [row("a")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await values(store) == {}


async def test_nothing_decided_is_nothing_written(store):
    """Who only looks has nothing to wait for."""
    async with store.decide() as deciding:
        assert await deciding.look.rows(select(snapshot)) == []
    assert await values(store) == {}


@pytest.mark.parametrize("way", ["execute", "rows", "fetch", "driver", "insert_new"])
async def test_what_is_written_later_answers_nothing(sqlite_store, way):
    """Whoever asks the transaction that is written later is told so at once."""
    ways = {
        "execute": lambda tx: tx.execute(select(snapshot)),
        "rows": lambda tx: tx.rows(select(snapshot)),
        "fetch": lambda tx: tx.fetch("SELECT 1"),
        "driver": lambda tx: tx.driver("DELETE FROM snapshot"),
        "insert_new": lambda tx: tx.insert_new(snapshot, [row("a")], key=("topic", "key")),
    }
    with pytest.raises(RuntimeError, match="no answer yet"):
        async with sqlite_store.decide() as deciding:
            await ways[way](deciding.tx)
    assert await values(sqlite_store) == {}
