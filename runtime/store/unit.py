"""The unit of work: one open transaction and what to ring once it is committed.

A flow receives a Tx and never opens or commits one; the edge does. Bulk writes go by COPY on
PostgreSQL and by the driver's executemany on SQLite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import CursorResult, Executable, Row, Table
from sqlalchemy.ext.asyncio import AsyncConnection

Engine = Literal["sqlite", "postgresql"]
Record = Mapping[str, Any]


class Tx:
    """One transaction. `engine` is asked only where the two engines need different SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.rings: set[str] = set()
        self.rings_all = False

    @property
    def engine(self) -> Engine:
        """Which database this is."""
        return "sqlite" if self.connection.dialect.name == "sqlite" else "postgresql"

    async def execute(
        self, statement: Executable, parameters: Record | Sequence[Record] | None = None
    ) -> CursorResult[Any]:
        """Run one Core statement; a list of parameters makes it an executemany."""
        return await self.connection.execute(statement, parameters)

    async def rows(
        self, statement: Executable, parameters: Record | None = None
    ) -> Sequence[Row[Any]]:
        """All rows of one query."""
        return (await self.connection.execute(statement, parameters)).all()

    async def first(
        self, statement: Executable, parameters: Record | None = None
    ) -> Row[Any] | None:
        """The first row, or None."""
        return (await self.connection.execute(statement, parameters)).first()

    async def scalar(self, statement: Executable, parameters: Record | None = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.connection.execute(statement, parameters)).scalar()

    async def driver(
        self, sql: str, parameters: tuple[Any, ...] | list[tuple[Any, ...]] = ()
    ) -> int:
        """Run SQL text in the driver's own parameter style (? or $1), past the compiler.

        Returns how many rows were written. A list of tuples makes it one executemany.
        """
        result = await self.connection.exec_driver_sql(sql, parameters or None)
        return result.rowcount

    async def fetch(self, sql: str, parameters: tuple[Any, ...] = ()) -> Sequence[Sequence[Any]]:
        """All rows of one query in the driver's own parameter style, past the compiler."""
        return (await self.connection.exec_driver_sql(sql, parameters or None)).all()

    async def insert(self, table: Table, rows: Iterable[Record]) -> int:
        """Insert many rows by the fastest path of the engine; every row has the same keys."""
        names, records = _records(table, rows, self)
        if not records:
            return 0
        if self.engine == "postgresql":
            await self._copy(table, names, records)
        else:
            await self.driver(_insert_sql(table.name, names, self.engine), records)
        return len(records)

    async def upsert(
        self, table: Table, rows: Iterable[Record], *, key: tuple[str, ...], rising: str = ""
    ) -> int:
        """Insert many rows; where the key exists already, every other column is overwritten.

        With `rising` only where the new value of that column is greater than the old one.
        Returns how many rows were written.
        """
        names, records = _records(table, rows, self)
        rest = tuple(name for name in names if name not in key)
        return await self._on_conflict(table, names, records, _conflict_sql(table.name, key, rest, rising))

    async def insert_new(
        self, table: Table, rows: Iterable[Record], *, key: tuple[str, ...]
    ) -> int:
        """Insert the rows whose key is new and leave the others alone; returns how many were."""
        names, records = _records(table, rows, self)
        return await self._on_conflict(table, names, records, _conflict_sql(table.name, key, (), ""))

    def ring(self, kinds: Iterable[str]) -> None:
        """Ring the bell for these kinds of work once the transaction is committed."""
        self.rings.update(kinds)

    def ring_all(self) -> None:
        """Ring for everybody once the transaction is committed."""
        self.rings_all = True

    async def _on_conflict(
        self, table: Table, names: tuple[str, ...], records: list[tuple[Any, ...]], conflict: str
    ) -> int:
        if not records:
            return 0
        if self.engine == "sqlite":
            return await self.driver(_insert_sql(table.name, names, self.engine) + conflict, records)
        # One statement over arrays: asyncpg's executemany does not tell how many rows it wrote.
        sql = _unnest_sql(table.name, names, _array_types(table, names, self)) + conflict
        columns = tuple(list(column) for column in zip(*records, strict=True))
        return await self.driver(sql, columns)

    async def _copy(
        self, table: Table, names: tuple[str, ...], records: list[tuple[Any, ...]]
    ) -> None:
        # The adapter opens its transaction with the first statement it sees; COPY goes past it.
        await self.connection.exec_driver_sql("SELECT 1")
        raw = await self.connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.copy_records_to_table(table.name, records=records, columns=names)


def _records(
    table: Table, rows: Iterable[Record], tx: Tx
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    listed = rows if isinstance(rows, list) else list(rows)
    if not listed:
        return (), []
    names = tuple(listed[0])
    binders = _binders(table, names, tx)
    if not any(binders):
        return names, [tuple(row[name] for name in names) for row in listed]
    pairs = list(zip(names, binders, strict=True))
    return names, [
        tuple(bind(row[name]) if bind else row[name] for name, bind in pairs) for row in listed
    ]


_BINDERS: dict[tuple[str, tuple[str, ...], str], list[Callable[[Any], Any] | None]] = {}


def _binders(
    table: Table, names: tuple[str, ...], tx: Tx
) -> list[Callable[[Any], Any] | None]:
    key = (table.name, names, tx.engine)
    if key not in _BINDERS:
        dialect = tx.connection.dialect
        _BINDERS[key] = [
            table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
        ]
    return _BINDERS[key]


def _array_types(table: Table, names: tuple[str, ...], tx: Tx) -> tuple[str, ...]:
    dialect = tx.connection.dialect
    return tuple(table.c[name].type.compile(dialect) for name in names)


@lru_cache(maxsize=512)
def _unnest_sql(table: str, names: tuple[str, ...], types: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))
    return f'INSERT INTO "{table}" ({columns}) SELECT * FROM unnest({arrays})'  # noqa: S608 - names of our own tables


@lru_cache(maxsize=512)
def _insert_sql(table: str, names: tuple[str, ...], engine: Engine) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" if engine == "sqlite" else f"${n}" for n in range(1, len(names) + 1))
    return f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'  # noqa: S608 - names of our own tables


@lru_cache(maxsize=512)
def _conflict_sql(table: str, key: tuple[str, ...], rest: tuple[str, ...], rising: str) -> str:
    target = ", ".join(f'"{name}"' for name in key)
    if not rest:
        return f" ON CONFLICT ({target}) DO NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
    fence = f' WHERE excluded."{rising}" > "{table}"."{rising}"' if rising else ""
    return f" ON CONFLICT ({target}) DO UPDATE SET {changes}{fence}"
