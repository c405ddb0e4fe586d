"""PostgreSQL over asyncpg, at READ COMMITTED.

Every call is a round trip, which costs more than a few rows do: those that nobody waits for go in
together, before whatever comes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias, get_args

import asyncpg
from sqlalchemy import Executable, NullPool, Table
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from runtime.patience import StoreAway, to_begin_s, to_end_s
from runtime.store.bulk import Place, arrays_sql
from runtime.store.lease import Engine, Given, Lease, T, Take, Values
from runtime.store.schema import LOOKS_AROUND

CONNECT_DEADLINE_S = 10.0
CLOSE_DEADLINE_S = 2.0
IDLE_IN_TRANSACTION_MAX_S = 60
# Far above anything we send: nobody waits for ever behind a lock or a plan gone wrong.
STATEMENT_MAX_S = 300
LOCK_WAIT_MAX_S = 60
SERVER_SETTINGS = {
    "application_name": "boxoffice",
    # Compiling a plan costs more than any of our statements.
    "jit": "off",
    # A process that hangs inside a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_MAX_S}s",
    "statement_timeout": f"{STATEMENT_MAX_S}s",
    "lock_timeout": f"{LOCK_WAIT_MAX_S}s",
}
# More rows of a table are quicker by COPY.
TOGETHER_ROWS_MAX = 16
# Whoever writes looks rows up. A plan that is kept would read whole tables where it was made while
# they were small, or where the last statistics found them empty: open items before a bill run.
LOOKING_UP = {
    **SERVER_SETTINGS,
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# The last one is what a connection says that was ended while nobody used it.
_DriverError: TypeAlias = (
    asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError
)
_DRIVER_ERRORS = get_args(_DriverError)


class PostgresLease(Lease):
    """One connection."""

    engine: Engine = "postgresql"

    def __init__(self, engine: AsyncEngine, *, opening: str) -> None:
        super().__init__(engine.dialect, opening=opening)
        self._engine = engine
        self.core: AsyncConnection
        self.raw: Any
        # What is written with one statement before the next one: where to, and the columns.
        self._unsent: list[tuple[Place, list[list[Any]]]] = []

    async def open(self) -> None:
        """Connect."""
        self.core = await self._engine.connect()
        self.raw = (await self.core.get_raw_connection()).driver_connection

    @property
    def is_open(self) -> bool:
        """Whether the connection can still be used."""
        return not (self.core.closed or self.core.invalidated or self.raw.is_closed())

    @property
    def is_clean(self) -> bool:
        """Whether the next one can have it as it is."""
        return super().is_clean and not self._unsent

    async def rollback(self) -> None:
        """Undo what is open, and forget what was to be written."""
        self._unsent.clear()
        await super().rollback()

    async def flush(self) -> None:
        """Write the few rows that wait for the next statement."""
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            sql = arrays_sql(tuple(place for place, _ in unsent), self.dialect)
            await self._write(sql, tuple(column for _, columns in unsent for column in columns))

    async def execute(self, statement: Executable, values: Given, take: Take[T]) -> T:
        """Run one Core statement, once or for each of many values; `take` reads the result."""
        await self.flush()
        return take(await self._in_time(self.core.execute(statement, values)))

    async def fetch(self, sql: str, values: Values) -> Sequence[Sequence[Any]]:
        """Run one statement and return its rows."""
        await self.flush()
        try:
            rows: list[asyncpg.Record] = await self._in_time(self.raw.fetch(sql, *values))
        except _DRIVER_ERRORS as error:
            raise self._as_ours(sql, error) from error
        return rows

    async def write(self, sql: str, values: Values) -> int:
        """Run one statement and return how many rows it wrote."""
        await self.flush()
        return await self._write(sql, values)

    async def _write(self, sql: str, values: Values) -> int:
        try:
            status: str = await self._in_time(self.raw.execute(sql, *values))
        except _DRIVER_ERRORS as error:
            raise self._as_ours(sql, error) from error
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def write_many(self, sql: str, rows: list[Values]) -> int:
        """Run one statement for each row, as one pipelined executemany.

        The server does not say how many rows were written; the number of given rows is returned.
        """
        await self.flush()
        try:
            await self._in_time(self.raw.executemany(sql, rows))
        except _DRIVER_ERRORS as error:
            raise self._as_ours(sql, error) from error
        return len(rows)

    async def put_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> None:
        """Insert rows at the latest before the next statement, few of them together with others."""
        if len(rows) > TOGETHER_ROWS_MAX:
            await self.insert_many(table, names, rows, conflict)
            return
        known = {place[0] for place, _ in self._unsent}
        if table in known or table.info.get(LOOKS_AROUND):
            await self.flush()
        self._unsent.append(((table, names, conflict), _columns(rows)))

    async def insert_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> int:
        """Insert rows by COPY, or where a key may exist by one statement over arrays."""
        await self.flush()
        if conflict:
            sql = arrays_sql(((table, names, conflict),), self.dialect)
            return await self._write(sql, tuple(_columns(rows)))
        try:
            copying = self.raw.copy_records_to_table(table.name, records=rows, columns=names)
            await self._in_time(copying)
        except _DRIVER_ERRORS as error:
            raise self._as_ours(f"COPY {table.name}", error) from error
        return len(rows)

    async def close(self) -> None:
        """Give the connection up; one that is broken already, or answers no more, is no error."""
        with suppress(Exception):
            await self._in_time(self.core.close(), CLOSE_DEADLINE_S)

    async def _begin(self) -> None:
        try:
            await self._in_time(self.raw.execute(self._opening), to_begin_s())
        except _DRIVER_ERRORS as error:
            await self._begin_anew(self._as_ours(self._opening, error))

    async def _begin_anew(self, error: DBAPIError) -> None:
        if not error.connection_invalidated:
            raise error
        # The server went away while nobody used the connection, so nothing is lost with it.
        await self.close()
        await self.open()
        await self.write(self._opening, ())

    async def _commit(self) -> None:
        await self.flush()
        try:
            status: str = await self._in_time(self.raw.execute("COMMIT"))
        except _DRIVER_ERRORS as error:
            raise self._as_ours("COMMIT", error) from error
        if status != "COMMIT":
            # Where a statement has failed and nobody minded, PostgreSQL answers with ROLLBACK.
            raise PendingRollbackError("a statement failed in this transaction: nothing is stored")

    async def _rollback(self) -> None:
        await self.raw.execute("ROLLBACK")

    async def _in_time(self, work: Awaitable[T], within_s: float | None = None) -> T:
        """Wait for the server, and give the connection up where it does not answer in time.

        Raises StoreAway; what was sent may have counted all the same.
        """
        try:
            async with asyncio.timeout(to_end_s() if within_s is None else within_s):
                return await work
        except TimeoutError as error:
            self.raw.terminate()
            raise StoreAway("the database has not answered in time") from error

    def _as_ours(self, sql: str, error: _DriverError) -> DBAPIError:
        kind = DBAPIError
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            kind = IntegrityError
        elif isinstance(error, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
            kind = OperationalError
        elif isinstance(error, asyncpg.InterfaceError):
            kind = InterfaceError
        is_lost = self.raw.is_closed() or isinstance(error, asyncpg.InternalClientError)
        return kind(sql, None, error, hide_parameters=True, connection_invalidated=is_lost)


def _columns(rows: list[Values]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def postgres_writer(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens connections that write."""
    engine = postgres_engine(url, LOOKING_UP)
    return _opener(engine, "BEGIN ISOLATION LEVEL READ COMMITTED")


def postgres_reader(url: URL) -> Callable[[], Awaitable[Lease]]:
    """Return what opens connections that read, and that refuse to write."""
    engine = postgres_engine(url, SERVER_SETTINGS)
    return _opener(engine, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")


def postgres_engine(url: URL, server_settings: Mapping[str, str]) -> AsyncEngine:
    """Return the engine behind connections; it keeps none of its own."""
    return create_async_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"server_settings": dict(server_settings), "timeout": CONNECT_DEADLINE_S},
    )


def _opener(engine: AsyncEngine, opening: str) -> Callable[[], Awaitable[Lease]]:
    async def open_lease() -> Lease:
        lease = PostgresLease(engine, opening=opening)
        await lease.open()
        return lease

    return open_lease
