"""The unit of work: one open transaction and what to ring once it is committed.

A flow receives a Tx and never opens or commits one; the edge does. Bulk writes go by COPY on
PostgreSQL and by the driver's executemany on SQLite.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import perf_counter as now_s
from typing import Any

from sqlalchemy import CursorResult, Executable, Row, Table

from runtime.store.bulk import bound, bound_values, conflict_sql, newest_by_key
from runtime.store.lease import Asked, Engine, Given, Lease, Put, Record, Values

Step = Callable[["Tx"], Awaitable[None]]


class Tx:
    """One transaction, opened by its first statement.

    `engine` is asked only where the two engines need different SQL; `is_later` by whoever has to
    say what must still be so when it is written.
    """

    def __init__(self, lease: Lease) -> None:
        self.engine: Engine = lease.engine
        self.is_later = lease.is_later
        self.rings: set[str] = set()
        self.rings_all = False
        self._lease = lease
        self.dialect = lease.dialect
        self._is_begun = False
        self._put_off: list[Step] = []
        self._said: set[str] = set()
        # Since when others wait for its end, by the process's clock for durations.
        self.held_since_s: float | None = None

    async def execute(self, statement: Executable, values: Given = None) -> CursorResult[Any]:
        """Run one Core statement; a list of values makes it an executemany."""
        return await (await self._open()).execute(statement, values, _as_it_is)

    async def rows(self, statement: Executable, values: Record | None = None) -> Sequence[Row[Any]]:
        """Return all rows of one query."""
        return await (await self._open()).execute(statement, values, CursorResult.all)

    async def first(self, statement: Executable, values: Record | None = None) -> Row[Any] | None:
        """Return the first row, or None."""
        return await (await self._open()).execute(statement, values, CursorResult.first)

    async def scalar(self, statement: Executable, values: Record | None = None) -> Any:
        """Return the first column of the first row, or None."""
        return await (await self._open()).execute(statement, values, CursorResult.scalar)

    async def driver(self, sql: str, values: Values | list[Values] = ()) -> int:
        """Run SQL text in the driver's own parameter style (? or $1), past the compiler.

        Returns how many rows were written. A list of tuples makes it one executemany; its count
        is true on SQLite alone.
        """
        if isinstance(values, list):
            return await (await self._open()).write_many(sql, values)
        return await (await self._open()).write(sql, values)

    async def fetch(self, sql: str, values: Values = ()) -> Sequence[Sequence[Any]]:
        """Return all rows of one query in the driver's own parameter style, past the compiler."""
        return await (await self._open()).fetch(sql, values)

    async def fetch_all(self, asked: Sequence[Asked]) -> list[Sequence[Sequence[Any]]]:
        """Return the rows of several queries, none of which needs another's; one trip on SQLite."""
        return await (await self._open()).fetch_all(asked)

    async def put(self, sql: str, values: Values) -> None:
        """Run SQL text as `driver` does where nobody needs to know how many rows it wrote.

        On SQLite it travels with what comes next, and whatever is wrong with it comes out there.
        """
        await (await self._open()).put(sql, values)

    async def expect(self, sql: str, values: Values, rows: int) -> None:
        """Run SQL text as `put` does; the transaction fails where it writes not just so many rows.

        Raises Moved, at the latest from the commit.
        """
        await (await self._open()).expect(sql, values, rows)

    async def insert(self, table: Table, rows: Iterable[Record]) -> int:
        """Insert many rows by the fastest path of the engine, as `put` does.

        Every row has the same keys. Returns how many there are.
        """
        names, records = bound(table, rows, self.dialect)
        if records:
            await (await self._open()).put_many(table, names, records)
        return len(records)

    async def insert_rows(self, table: Table, names: tuple[str, ...], rows: list[Values]) -> None:
        """Insert rows given as values in the order of the names, where there are very many."""
        if rows:
            records = bound_values(table, names, rows, self.dialect)
            await (await self._open()).put_many(table, names, records)

    async def upsert(
        self, table: Table, rows: Iterable[Record], *, key: tuple[str, ...], rising: str = ""
    ) -> None:
        """Insert many rows as `put` does; where the key exists, every other given column is
        overwritten, with `rising` only where its new value is greater than the old one.
        """
        names, records = bound(table, rows, self.dialect)
        if records:
            records = newest_by_key(names, records, key, rising)
            conflict = conflict_sql(table.name, names, key, rising)
            await (await self._open()).put_many(table, names, records, conflict)

    async def put_new(self, table: Table, rows: Iterable[Record], *, key: tuple[str, ...]) -> None:
        """Insert as `insert_new` does where nobody needs to know how many were new, like `put`."""
        names, records = bound(table, rows, self.dialect)
        if records:
            conflict = conflict_sql(table.name, (), key, "")
            await (await self._open()).put_many(table, names, records, conflict)

    async def insert_new(
        self, table: Table, rows: Iterable[Record], *, key: tuple[str, ...]
    ) -> int:
        """Insert the rows whose key is new and leave the others alone; returns how many were."""
        names, records = bound(table, rows, self.dialect)
        if not records:
            return 0
        conflict = conflict_sql(table.name, (), key, "")
        return await (await self._open()).insert_many(table, names, records, conflict)

    async def put_all(self, puts: Iterable[Put]) -> None:
        """Write what was collected elsewhere, in its order, as `put` does."""
        for one in puts:
            await one.put(await self._open())

    def put_off(self, step: Step) -> None:
        """Run a step of one statement before whatever comes next, or at the end.

        Where nothing else comes, the statement is a transaction by itself and needs none around
        it: two trips to the database less. A second statement of the step must be one that may
        also be lost.
        """
        self._put_off.append(step)

    async def end(self) -> None:
        """Commit; for whoever opened the transaction."""
        if not self._is_begun and len(self._put_off) == 1:
            self._is_begun = True  # as far as the step can tell
            await self._put_off.pop()(self)
            await self._lease.flush()
            return
        if self._put_off:
            await self._open()
        if self._is_begun:
            await self._lease.commit()

    def ring(self, kinds: Iterable[str]) -> None:
        """Ring the bell for these kinds of work once the transaction is committed."""
        self.rings.update(kinds)

    def ring_all(self) -> None:
        """Ring for everybody once the transaction is committed."""
        self.rings_all = True

    def hold(self) -> None:
        """Say that others wait for the end of this transaction from here on."""
        if self.held_since_s is None:
            self.held_since_s = now_s()

    def is_first(self, what: str) -> bool:
        """Tell whether this is asked for the first time in this transaction."""
        if what in self._said:
            return False
        self._said.add(what)
        return True

    async def _open(self) -> Lease:
        """Return the connection once the transaction is open and nothing is put off any more."""
        if not self._is_begun:
            self._is_begun = True
            await self._lease.begin()
        steps, self._put_off = self._put_off, []
        for step in steps:
            await step(self)
        return self._lease


def _as_it_is(result: CursorResult[Any]) -> CursorResult[Any]:
    return result
