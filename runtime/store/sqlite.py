"""SQLite: one connection that writes, a few that read while it does, each in its own thread.

The write-ahead log lets readers go on; `synchronous=FULL` makes every commit survive a power cut;
BEGIN IMMEDIATE takes the write lock before anything is read, so no decision rests on old rows.
While it is held every trip to the thread and back may meet a busy event loop, so that they are few:
what nobody waits for travels with what comes next.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, NullPool, Table, create_engine, event
from sqlalchemy import Engine as CoreEngine
from sqlalchemy.engine import URL
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import DBAPIError

from runtime.patience import Moved
from runtime.store.bulk import values_sql
from runtime.store.lease import Asked, Engine, Given, Lease, T, Take, Values, to_the_end
from runtime.store.thread import OwnThread

BUSY_TIMEOUT_MS = 20_000
CACHE_KIB = 16_000
# 64 MiB of log. Before it comes to that, `Store.checkpoint` has brought it into the database file;
# who commits does so himself where nobody else did, and keeps all who write waiting.
LOG_PAGES_MAX = 16_000
# The driver lets go of the interpreter for each statement and waits to have it back: rows go in
# with few statements, of so many rows each, whose texts stay ready.
INSERT_ROWS = (256, 64, 16, 4, 1)
STATEMENTS_KEPT = 512
PRIVATE = 0o600


def make_place(url: URL) -> None:
    """Make the folder a SQLite file lives in, and the file for its owner alone, if there is none.

    Its log is made with the same mode by SQLite. What is there already stays as it is.
    """
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Where it cannot be made, opening it says why.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))


class SqliteLease(Lease):
    """One connection and its thread; every call is one trip there and back."""

    engine: Engine = "sqlite"

    def __init__(self, thread: OwnThread, core: Connection, *, opening: str) -> None:
        super().__init__(core.dialect, opening=opening)
        self.core = core
        self.raw = _driver_of(core)
        self._thread = thread
        self._must_begin = False
        # What is written with the next job: the text, for an error, and what is to be done.
        self._unsent: list[tuple[str, Callable[[], object]]] = []

    @property
    def is_open(self) -> bool:
        """Whether the connection can still be used."""
        return not (self.core.closed or self.core.invalidated)

    async def execute(self, statement: Executable, values: Given, take: Take[T]) -> T:
        """Run one Core statement, once or for each of many values; `take` reads the result."""
        return await self._do("", lambda: take(_fetched(self.core.execute(statement, values))))

    async def fetch(self, sql: str, values: Values) -> Sequence[Sequence[Any]]:
        """Run one statement and return its rows."""
        return await self._do(sql, lambda: self.raw.execute(sql, values).fetchall())

    async def fetch_all(self, asked: Sequence[Asked]) -> list[Sequence[Sequence[Any]]]:
        """Run several statements in one trip; the rows of each."""

        def job() -> list[Sequence[Sequence[Any]]]:
            return [self.raw.execute(sql, values).fetchall() for sql, values in asked]

        return await self._do("; ".join(sql for sql, _ in asked), job)

    @property
    def is_clean(self) -> bool:
        """Whether the next one can have it as it is."""
        return super().is_clean and not self._unsent

    async def rollback(self) -> None:
        """Undo what is open, and forget what was to be written."""
        self._unsent.clear()
        await super().rollback()

    async def flush(self) -> None:
        """Write what waits for the next trip."""
        if self._unsent:
            await self._do("", lambda: None)

    async def put(self, sql: str, values: Values) -> None:
        """Run a statement on the next trip."""
        self._unsent.append((sql, lambda: self.raw.execute(sql, values)))

    async def expect(self, sql: str, values: Values, rows: int) -> None:
        """Run a statement on the next trip, which raises Moved for another number of rows."""

        def job() -> None:
            if self.raw.execute(sql, values).rowcount != rows:
                raise Moved

        self._unsent.append((sql, job))

    async def put_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> None:
        """Insert rows on the next trip."""
        self._unsent.append(self._insertion(table, names, rows, conflict))

    async def write(self, sql: str, values: Values) -> int:
        """Run one statement and return how many rows it wrote."""
        return await self._do(sql, lambda: self.raw.execute(sql, values).rowcount)

    async def write_many(self, sql: str, rows: list[Values]) -> int:
        """Run one statement for each row; returns how many rows were written."""
        return await self._do(sql, lambda: self.raw.executemany(sql, rows).rowcount)

    async def insert_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> int:
        """Insert rows; returns how many were written."""
        return await self._do(*self._insertion(table, names, rows, conflict))

    def _insertion(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str
    ) -> tuple[str, Callable[[], int]]:
        """Insert many rows with each statement, and the rest with ever fewer."""
        one = values_sql(table, names, 1) + conflict

        def job() -> int:
            written = at = 0
            for count in INSERT_ROWS:
                text = values_sql(table, names, count) + conflict
                while len(rows) - at >= count:
                    values = tuple(chain.from_iterable(rows[at : at + count]))
                    written += self.raw.execute(text, values).rowcount
                    at += count
            return written

        return one, job

    async def close(self) -> None:
        """Give the connection up; one that is broken already is no error."""
        with suppress(Exception):
            await to_the_end(self._thread.do(self.core.close))
        self._thread.end()

    async def _do(self, sql: str, job: Callable[[], T]) -> T:
        """Do a job in the thread, after opening the transaction if that is still to be done."""
        must_begin, self._must_begin = self._must_begin, False
        unsent, self._unsent = self._unsent, []
        told = [sql]

        def all_jobs() -> T:
            if must_begin:
                self.raw.execute(self._opening)
            for text, one in unsent:
                told[0] = text
                one()
            told[0] = sql
            return job()

        try:
            return await self._thread.do(all_jobs)
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                told[0], None, error, sqlite3.Error, hide_parameters=True
            ) from error
        except asyncio.CancelledError:
            self.raw.interrupt()  # nobody wants the rest of it
            raise

    async def _begin(self) -> None:
        self._must_begin = True

    async def _commit(self) -> None:
        if self._unsent or not self._must_begin:
            await self.fetch("COMMIT", ())

    async def _rollback(self) -> None:
        self._must_begin = False
        await self._thread.do(self.raw.rollback)  # no error where nothing is open


def sqlite_writer(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens the connection that writes."""
    return _opener(_engine(url, ()), "BEGIN IMMEDIATE")


def sqlite_reader(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens connections that read, and that refuse to write."""
    return _opener(_engine(url, ("query_only=ON",)), "BEGIN")


def sqlite_checkpointer(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens the connection that brings the log into the file, beside the writer."""
    return _opener(_engine(url, ("wal_autocheckpoint=0",)), "BEGIN")


def _opener(engine: CoreEngine, opening: str) -> Callable[[], Awaitable[Lease]]:
    async def open_lease() -> Lease:
        thread = OwnThread("sqlite")
        opened: list[SqliteLease] = []

        def open_here() -> None:
            opened.append(SqliteLease(thread, engine.connect(), opening=opening))

        try:
            await to_the_end(thread.do(open_here))
        except BaseException:
            for lease in opened:
                await lease.close()
            thread.end()
            raise
        return opened[0]

    return open_lease


def _engine(url: URL, more_pragmas: tuple[str, ...]) -> CoreEngine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        # Results are let go of by the event loop's thread; all else is done in the lease's own.
        connect_args={"check_same_thread": False, "cached_statements": STATEMENTS_KEPT},
    )
    pragmas = (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"cache_size=-{CACHE_KIB}",
        f"wal_autocheckpoint={LOG_PAGES_MAX}",
        *more_pragmas,
    )

    @event.listens_for(engine, "connect")
    def settle_in(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _driver_of(core: Connection) -> sqlite3.Connection:
    raw = core.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("not the driver this module is written for")
    return raw


def _fetched(result: CursorResult[Any]) -> CursorResult[Any]:
    """Fetch all rows here and now, so that nothing is left to be read in another thread."""
    if result.returns_rows and result.cursor is not None:
        rows = result.cursor.fetchall()
        result.cursor_strategy = FullyBufferedCursorFetchStrategy(
            result.cursor, initial_buffer=rows
        )
    return result
