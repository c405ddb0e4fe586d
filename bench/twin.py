"""A twin of a database, into which the fastest bulk write puts rows that are known beforehand."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from bench.database import administer

# The rows of one transaction: of each table its name and the columns that are given.
Chunk = list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]


def copy_sqlite(place: Path, twin: Path) -> None:
    """Have the same database once more."""
    with closing(sqlite3.connect(place)) as there, closing(sqlite3.connect(twin)) as copy:
        there.backup(copy)


@asynccontextmanager
async def twin_of(url: str) -> AsyncIterator[str]:
    """Have the same database once more; nobody may be connected to the first one."""
    parts = urlsplit(url)
    server, first = parts._replace(path="/postgres").geturl(), parts.path[1:]
    await administer(server, f"DROP DATABASE IF EXISTS {first}_twin WITH (FORCE)")
    await administer(server, f"CREATE DATABASE {first}_twin TEMPLATE {first}")
    try:
        yield parts._replace(path=f"/{first}_twin").geturl()
    finally:
        await administer(server, f"DROP DATABASE {first}_twin WITH (FORCE)")


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
                marks = ", ".join("?" * len(columns))
                names = ", ".join(f'"{name}"' for name in columns)
                text = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
                connection.executemany(text, rows)
            connection.execute("COMMIT")
            took_s += time.perf_counter() - begun_s
    return took_s


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
