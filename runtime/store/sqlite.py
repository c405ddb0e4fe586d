"""SQLite: one connection that writes, a few that read while it does.

The write-ahead log lets readers go on; `synchronous=FULL` makes every commit survive a power cut;
BEGIN IMMEDIATE takes the write lock before anything is read, so no decision rests on old rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, Executable, NullPool, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runtime.store.lease import Engine, Lease, Record, Values, to_the_end

BUSY_TIMEOUT_MS = 20_000
CACHE_KIB = 16_000


def make_folder(url: URL) -> None:
    """Make the folder a SQLite file lives in."""
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)


class SqliteLease(Lease):
    """One connection over aiosqlite; every call is one hop to the driver's thread."""

    engine: Engine = "sqlite"

    @property
    def is_open(self) -> bool:
        """Whether the connection can still be used."""
        return not (self.core.closed or self.core.invalidated)

    async def execute(
        self, statement: Executable, parameters: Record | Sequence[Record] | None = None
    ) -> CursorResult[Any]:
        """Run one Core statement; a list of parameters makes it an executemany.

        Core throws a connection away when it is cancelled, and with it our only writer, whose
        thread may hold the lock a while longer. So the statement is interrupted instead.
        """
        work = self.core.execute(statement, parameters)
        return await to_the_end(work, hurry=self.raw.interrupt)

    async def fetch(self, sql: str, values: Values) -> Sequence[Sequence[Any]]:
        """Run one statement and return its rows."""
        try:
            rows: list[tuple[Any, ...]] = await self.raw.execute_fetchall(sql, values)
        except sqlite3.Error as error:
            raise _as_ours(sql, error) from error
        return rows

    async def write(self, sql: str, values: Values) -> int:
        """Run one statement and return how many rows it wrote."""
        try:
            cursor = await self.raw.execute(sql, values)
        except sqlite3.Error as error:
            raise _as_ours(sql, error) from error
        return int(cursor.rowcount)

    async def write_many(self, sql: str, rows: list[Values]) -> int:
        """Run one statement for each row; returns how many rows were written."""
        try:
            cursor = await self.raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _as_ours(sql, error) from error
        return int(cursor.rowcount)

    async def insert_many(self, table: str, names: tuple[str, ...], rows: list[Values]) -> None:
        """Insert rows by the driver's executemany."""
        columns = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        await self.write_many(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', rows)  # noqa: S608 - names of our own tables

    async def _commit(self) -> None:
        await self.fetch("COMMIT", ())

    async def _rollback(self) -> None:
        await self.raw.rollback()  # unlike the statement, no error where nothing is open


def sqlite_writer(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens the connection that writes."""
    return _opener(_engine(url, ()), "BEGIN IMMEDIATE")


def sqlite_reader(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens connections that read, and that refuse to write."""
    return _opener(_engine(url, ("query_only=ON",)), "BEGIN")


def _opener(engine: AsyncEngine, opening: str) -> Callable[[], Awaitable[Lease]]:
    async def open_lease() -> Lease:
        core = await engine.connect()
        raw = (await core.get_raw_connection()).driver_connection
        return SqliteLease(core, raw, opening=opening)

    return open_lease


def _engine(url: URL, more_pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True
    )
    pragmas = (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"cache_size=-{CACHE_KIB}",
        *more_pragmas,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def settle_in(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _as_ours(sql: str, error: sqlite3.Error) -> BaseException:
    return DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True)
