"""A PostgreSQL for a benchmark: the one that is named, or one that the tests' services start."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

ENVIRONMENT = "BOXOFFICE_BENCH_POSTGRES_URL"
START_DEADLINE_S = 60.0
NAME = "boxoffice_bench"
ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def fresh_postgres() -> AsyncIterator[str]:
    """Return the address of an empty database that goes after the benchmark."""
    async with _server() as server:
        await _administer(server, f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        await _administer(server, f"CREATE DATABASE {NAME}")
        yield urlsplit(server)._replace(path=f"/{NAME}").geturl()
        await _administer(server, f"DROP DATABASE {NAME} WITH (FORCE)")


async def _administer(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    named = os.environ.get(ENVIRONMENT)
    if named:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as folder:
        command = (sys.executable, "-m", "tests.services", folder)
        keeper = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        try:
            yield await _announced(Path(folder) / "postgres.url", keeper)
        finally:
            if keeper.returncode is None:
                keeper.terminate()
            await keeper.wait()


async def _announced(place: Path, keeper: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(START_DEADLINE_S):
        while not (address := _read(place)):
            if keeper.returncode is not None:
                raise SystemExit(f"no PostgreSQL for the benchmark; {ENVIRONMENT} names another")
            await asyncio.sleep(0.05)
    return address


def _read(place: Path) -> str:
    return place.read_text("utf-8") if place.exists() else ""
