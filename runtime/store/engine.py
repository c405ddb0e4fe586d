"""The database behind one door: SQLite in one process, PostgreSQL for many.

SQLite has one writer, so a single connection writes under BEGIN IMMEDIATE while others read; the
ledger's `synchronous=FULL` is for all. PostgreSQL runs at READ COMMITTED.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runtime.bell import Bell, LocalBell
from runtime.store.unit import Tx
from terms.errors import Invalid

READERS_MAX = 4
POSTGRES_POOL_MAX = 16
BUSY_TIMEOUT_MS = 20_000


def driver_url(url: str) -> URL:
    """The operator's plain URL with the driver we use. Raises Invalid for any other database."""
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise Invalid("database_url", "SQLite needs a file: the product is several connections")
        return parsed.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+asyncpg")
    raise Invalid("database_url", f"neither sqlite nor postgresql: {backend}")


def make_folder(url: URL) -> None:
    """Make the folder a SQLite file lives in."""
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)


class Store:
    """Opens transactions. One per process; `bell` is rung after every commit that asks for it."""

    def __init__(self, url: str, bell: Bell | None = None) -> None:
        self.url = driver_url(url)
        self.bell = bell or LocalBell()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            make_folder(self.url)
            self.writer = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE", connections_max=1)
            self.reader = _sqlite_engine(self.url, begin="BEGIN", connections_max=READERS_MAX)
        else:
            self.writer = self.reader = create_async_engine(
                self.url, pool_size=POSTGRES_POOL_MAX, max_overflow=0, pool_pre_ping=False
            )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """Open a writing transaction: committed on leaving, rolled back on any error."""
        async with self.writer.begin() as connection:
            tx = Tx(connection)
            yield tx
        if tx.rings_all:
            self.bell.ring_all()
        elif tx.rings:
            self.bell.ring(tx.rings)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Open a transaction that only reads; on SQLite it never waits for the writer."""
        async with self.reader.connect() as connection:
            yield Tx(connection)

    async def close(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()


def _sqlite_engine(url: URL, *, begin: str, connections_max: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections_max,
        max_overflow=0,
        pool_reset_on_return=None if connections_max == 1 else "rollback",
        # The driver must not open transactions of its own: `begin` below says which kind.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "temp_store=MEMORY",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
