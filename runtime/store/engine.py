"""The database behind one door: SQLite in one process, PostgreSQL for many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter as now_s
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from runtime.bell import Bell, LocalBell
from runtime.outages import Outages
from runtime.store.allocations import stop_counting
from runtime.store.later import Deciding, Later
from runtime.store.lease import Engine, Lease, Pool, Values, to_the_end
from runtime.store.sqlite import make_place, sqlite_checkpointer, sqlite_reader, sqlite_writer
from runtime.store.unit import Tx
from terms.errors import Invalid

SQLITE_READERS_MAX = 4
POSTGRES_WRITERS_MAX = 16
POSTGRES_READERS_MAX = 8
# Who decides looks keys up one by one (`by_key`), for which there is one good plan. PostgreSQL
# would make another for each few keys, which takes longer than to look them up.
ONE_PLAN = "SET LOCAL plan_cache_mode = force_generic_plan"


def driver_url(url: str) -> URL:
    """Return the operator's URL with the driver we use. Raises Invalid for any other database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Invalid("database_url", "not an address of a database") from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise Invalid("database_url", "SQLite needs a file: the product is several connections")
        return parsed.set(drivername="sqlite+aiosqlite")
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+asyncpg")
    raise Invalid("database_url", f"neither sqlite nor postgresql: {backend}")


class Store:
    """Opens transactions. One per process; `bell` is rung after every commit that asks for it,
    and whoever meets its absence again and again tells `outages`.
    """

    def __init__(self, url: str, bell: Bell | None = None) -> None:
        self.url = driver_url(url)
        self.bell = bell or LocalBell()
        self.outages = Outages()
        self._writing: set[asyncio.Task[Any] | None] = set()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine: Engine = "sqlite" if self.is_sqlite else "postgresql"
        if self.is_sqlite:
            make_place(self.url)
            stop_counting()
            self._writers = Pool(sqlite_writer(self.url), leases_max=1)
            self._readers = Pool(sqlite_reader(self.url), leases_max=SQLITE_READERS_MAX)
            self._checkpointers = Pool(sqlite_checkpointer(self.url), leases_max=1)
        else:
            from runtime.store.postgres import postgres_reader, postgres_writer  # noqa: PLC0415 - 3 MB that SQLite never needs

            self._writers = Pool(postgres_writer(self.url), leases_max=POSTGRES_WRITERS_MAX)
            self._readers = Pool(postgres_reader(self.url), leases_max=POSTGRES_READERS_MAX)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """Open a writing transaction: committed on leaving, rolled back on any error.

        Being cancelled rolls back too, unless the commit is already on its way: then it ends.
        """
        async with self._lend_writer() as lease:
            tx = Tx(lease)
            yield tx
            await to_the_end(self._commit(tx))

    @asynccontextmanager
    async def decide(self) -> AsyncIterator[Deciding]:
        """Open a transaction for what follows from what is read, without keeping others waiting.

        On PostgreSQL, where writers do not wait for each other, it reads and writes in one. On
        SQLite one transaction reads, and what the other is to write is collected meanwhile and
        written on leaving, in one trip. Raises Moved where something expected is not so any more.
        """
        if self.is_sqlite:
            async with self._decide_apart() as deciding:
                yield deciding
            return
        async with self.begin() as tx:
            await tx.put(ONE_PLAN, ())
            deciding = Deciding(look=tx, tx=tx)
            yield deciding
        deciding.held_s = now_s() - tx.held_since_s if tx.held_since_s else 0.0

    @asynccontextmanager
    async def rehearse(self) -> AsyncIterator[Tx]:
        """Open a writing transaction that is rolled back on leaving: nothing in it ever happens."""
        async with self._lend_writer() as lease:
            yield Tx(lease)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Open a transaction that only reads; on SQLite it never waits for the writer."""
        async with self._readers.lend() as lease:
            yield Tx(lease)

    async def once(self, sql: str, values: Values) -> Sequence[Sequence[Any]]:
        """Run one writing statement that is a transaction by itself, in one trip; its rows."""
        async with self._lend_writer() as lease:
            return await lease.fetch(sql, values)

    async def checkpoint(self) -> int:
        """Bring what SQLite has committed from its log into its file, while others read and write.

        Returns how many pages of the log are not there yet: somebody still reads what was before.
        """
        async with self._checkpointers.lend() as lease:
            ((_, pages, done),) = await lease.fetch("PRAGMA wal_checkpoint(PASSIVE)", ())
        return int(pages - done)

    async def close(self) -> None:
        """Close every connection."""
        if self.is_sqlite:
            await self._checkpointers.close()
        await self._writers.close()
        await self._readers.close()

    @asynccontextmanager
    async def _decide_apart(self) -> AsyncIterator[Deciding]:
        async with self._readers.lend() as reader:
            later = Later(reader.dialect)
            deciding = Deciding(look=Tx(reader), tx=Tx(later))
            yield deciding
            await deciding.tx.end()
        if later.is_empty:
            return
        async with self._lend_writer() as writer:
            begun_s = now_s()
            await writer.begin()
            for put in later.puts:
                await put.put(writer)
            await to_the_end(writer.commit())
            deciding.held_s = now_s() - begun_s
        self._ring(deciding.tx)

    @asynccontextmanager
    async def _lend_writer(self) -> AsyncIterator[Lease]:
        """Lend a connection that writes; a task that has one would wait for itself for ever."""
        task = asyncio.current_task()
        if task in self._writing:
            raise RuntimeError("this task has an open transaction: pass its tx on instead")
        self._writing.add(task)
        try:
            async with self._writers.lend() as lease:
                yield lease
        finally:
            self._writing.discard(task)

    async def _commit(self, tx: Tx) -> None:
        await tx.end()
        self._ring(tx)

    def _ring(self, tx: Tx) -> None:
        if tx.rings_all:
            self.bell.ring_all()
        elif tx.rings:
            self.bell.ring(tx.rings)
