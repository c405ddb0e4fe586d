"""A lease: one connection held for one transaction, and the pool that lends it.

SQLAlchemy's Core works on top of it and the bare driver beside it, in the same transaction. The
lease opens and ends transactions itself, so that neither waits for the other's bookkeeping.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy import CursorResult, Dialect, Executable, Table

from runtime.patience import Moved, StoreAway, to_begin_s

Engine = Literal["sqlite", "postgresql"]
Record = Mapping[str, Any]
Values = tuple[Any, ...]
Asked = tuple[str, Values]
Given = Record | Sequence[Record] | None
T = TypeVar("T")
ROLLBACK_S = 10.0
# Reads a result where it is made, which on SQLite is another thread.
Take = Callable[[CursorResult[Any]], T]


class Lease(ABC):
    """One connection of one engine. Errors of the driver come out as SQLAlchemy's."""

    engine: Engine
    # Whether what is put is written later, and nothing can be asked for.
    is_later = False

    def __init__(self, dialect: Dialect, *, opening: str) -> None:
        self.dialect = dialect
        self._opening = opening
        # Our own note, as the driver's is wrong while a cancelled BEGIN is still on its way.
        self._may_be_open = False

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether the connection can still be used."""

    @property
    def is_clean(self) -> bool:
        """Whether the next one can have it as it is."""
        return self.is_open and not self._may_be_open

    async def begin(self) -> None:
        """Open a transaction."""
        self._may_be_open = True
        await self._begin()

    async def commit(self) -> None:
        """Make it durable."""
        await self._commit()
        self._may_be_open = False

    async def rollback(self) -> None:
        """Undo what is open, if anything is."""
        if self._may_be_open:
            await self._rollback()
            self._may_be_open = False

    @abstractmethod
    async def _begin(self) -> None: ...

    @abstractmethod
    async def _commit(self) -> None: ...

    @abstractmethod
    async def _rollback(self) -> None: ...

    @abstractmethod
    async def execute(self, statement: Executable, values: Given, take: Take[T]) -> T:
        """Run one Core statement, once or for each of many values; `take` reads the result."""

    @abstractmethod
    async def fetch(self, sql: str, values: Values) -> Sequence[Sequence[Any]]:
        """Run one statement and return its rows."""

    @abstractmethod
    async def write(self, sql: str, values: Values) -> int:
        """Run one statement and return how many rows it wrote."""

    @abstractmethod
    async def write_many(self, sql: str, rows: list[Values]) -> int:
        """Run one statement for each row; returns how many rows were written."""

    @abstractmethod
    async def insert_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> int:
        """Insert rows by the fastest path of the engine; returns how many rows were written.

        `conflict` is the statement's ON CONFLICT clause.
        """

    async def fetch_all(self, asked: Sequence[Asked]) -> list[Sequence[Sequence[Any]]]:
        """Run several statements one after the other; the rows of each."""
        return [await self.fetch(sql, values) for sql, values in asked]

    async def flush(self) -> None:  # noqa: B027 - most put nothing off
        """Have what was put done by now."""

    async def put(self, sql: str, values: Values) -> None:
        """Run a statement whose count nobody needs: at the latest before the next one."""
        await self.write(sql, values)

    async def expect(self, sql: str, values: Values, rows: int) -> None:
        """Run a statement at the latest before the next one.

        Raises Moved, then or later, where it writes another number of rows.
        """
        if await self.write(sql, values) != rows:
            raise Moved

    async def put_many(
        self, table: Table, names: tuple[str, ...], rows: list[Values], conflict: str = ""
    ) -> None:
        """Insert rows whose count nobody needs: at the latest before the next statement."""
        await self.insert_many(table, names, rows, conflict)

    @abstractmethod
    async def close(self) -> None:
        """Give the connection up; one that is broken already is no error."""


class Put(Protocol):
    """Something to be written that nobody waits for."""

    async def put(self, lease: Lease) -> None:
        """Put it on a connection."""
        ...


class Pool:
    """Lends connections, opens them when needed, keeps the good ones."""

    def __init__(self, open_lease: Callable[[], Awaitable[Lease]], *, leases_max: int) -> None:
        self._open = open_lease
        self._free = asyncio.Semaphore(leases_max)
        self._idle: list[Lease] = []
        self._is_closed = False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Lease]:
        """Lend one connection. Whatever is still open on it at the end is rolled back.

        Raises StoreAway where none can be had for longer than the caller has patience.
        """
        lease = await self._lent()
        try:
            yield lease
        finally:
            try:
                if lease.is_clean and not self._is_closed:
                    self._idle.append(lease)
                else:
                    await to_the_end(self._put_back(lease))
            finally:
                self._free.release()

    async def close(self) -> None:
        """Close the connections; one that is lent follows when it comes back."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _lent(self) -> Lease:
        try:
            async with asyncio.timeout(to_begin_s()):
                await self._free.acquire()
                try:
                    return await self._take()
                except BaseException:
                    self._free.release()
                    raise
        except TimeoutError as error:
            raise StoreAway("the database has no connection to spare") from error

    async def _take(self) -> Lease:
        while self._idle:
            lease = self._idle.pop()
            if lease.is_open:
                return lease
            await lease.close()
        return await self._open()

    async def _put_back(self, lease: Lease) -> None:
        # A connection that cannot even roll back is given up.
        with suppress(Exception):
            if lease.is_open and not self._is_closed:
                async with asyncio.timeout(ROLLBACK_S):
                    await lease.rollback()
                self._idle.append(lease)
                return
        await lease.close()


async def to_the_end(work: Awaitable[T]) -> T:
    """Wait until it is done even when cancelled meanwhile; the cancellation comes out afterwards.

    A commit that was sent cannot be called back: whoever waits must learn how it ended.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001 - raised again by result() below
            break
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen, so that nobody warns that it was not
        raise cancelled
    return task.result()
