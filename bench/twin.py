"""A twin of a database, into which the fastest bulk write puts rows that are known beforehand."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from bench.database import administer

# More or fewer with one statement are slower: 1 takes twice as long, 1,000 a tenth longer.
STATEMENT_ROWS = 256
# More do not make plain inserts faster on two processors.
CONNECTIONS = 8
# The rows of one transaction: of each table its name and the columns that are given.
Chunk = list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]


def copy_sqlite(place: Path, twin: Path) -> None:
    """Have the same database once more."""
    with closing(sqlite3.connect(place)) as there, closing(sqlite3.connect(twin)) as copy:
        there.backup(copy)


@asynccontextmanager
async def twin_of(url: str, name: str = "twin") -> AsyncIterator[str]:
    """Have the same database once more; nobody may be connected to the first one."""
    parts = urlsplit(url)
    server, first = parts._replace(path="/postgres").geturl(), parts.path[1:]
    twin = f"{first}_{name}"
    await administer(server, f"DROP DATABASE IF EXISTS {twin} WITH (FORCE)")
    await administer(server, f"CREATE DATABASE {twin} TEMPLATE {first}")
    try:
        yield parts._replace(path=f"/{twin}").geturl()
    finally:
        await administer(server, f"DROP DATABASE {twin} WITH (FORCE)")


async def bulk_sqlite(twin: Path, chunks: AsyncIterator[Chunk]) -> float:
    """Write rows into a twin; returns the seconds."""
    took_s = 0.0
    with closing(sqlite3.connect(twin, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        async for chunk in chunks:
            begun_s = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            for table, columns, rows in chunk:
                _insert(connection, table, columns, rows)
            connection.execute("COMMIT")
            took_s += time.perf_counter() - begun_s
    return took_s


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: list[tuple[Any, ...]],
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = f"({', '.join('?' * len(columns))})"
    for first in range(0, len(rows), STATEMENT_ROWS):
        some = rows[first : first + STATEMENT_ROWS]
        values = ", ".join([marks] * len(some))
        text = f'INSERT INTO "{table}" ({names}) VALUES {values}'  # noqa: S608 - names of our own
        connection.execute(text, list(chain.from_iterable(some)))


async def each_postgres(twin: str, chunks: Sequence[Chunk]) -> float:
    """Insert rows into a twin, with a transaction for each chunk; returns the seconds."""
    waiting = iter(chunks)

    async def one_by_one(connection: asyncpg.Connection) -> None:
        for chunk in waiting:
            async with connection.transaction():
                for table, columns, rows in chunk:
                    await connection.execute(_text(table, columns, len(rows)), *chain(*rows))

    async with asyncpg.create_pool(twin, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        connections = [await pool.acquire() for _ in range(CONNECTIONS)]
        begun_s = time.perf_counter()
        await asyncio.gather(*(one_by_one(connection) for connection in connections))
        took_s = time.perf_counter() - begun_s
        for connection in connections:
            await pool.release(connection)
    return took_s


def _text(table: str, columns: Sequence[str], count: int) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = iter(range(1, count * len(columns) + 1))
    values = (f"({', '.join(f'${next(marks)}' for _ in columns)})" for _ in range(count))
    return f'INSERT INTO "{table}" ({names}) VALUES {", ".join(values)}'  # noqa: S608 - our own


async def bulk_postgres(twin: str, chunks: AsyncIterator[Chunk]) -> float:
    """Write rows into a twin; returns the seconds."""
    took_s = 0.0
    async with asyncpg.create_pool(twin, min_size=1, max_size=1) as pool:
        async for chunk in chunks:
            begun_s = time.perf_counter()
            await _copy(pool, chunk)
            took_s += time.perf_counter() - begun_s
    return took_s


async def _copy(pool: asyncpg.Pool, chunk: Chunk) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for table, columns, rows in chunk:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
