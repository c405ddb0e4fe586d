"""PostgreSQL and Redis for a benchmark: those that are named, or what the tests' services start."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

ENVIRONMENT = "BOXOFFICE_BENCH_POSTGRES_URL"
REDIS_ENVIRONMENT = "BOXOFFICE_BENCH_REDIS_URL"
START_DEADLINE_S = 60.0
NAME = "boxoffice_bench"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where an empty database is, and a Redis."""

    postgres: str
    redis: str

    def settings(self, **more: str) -> dict[str, str]:
        """Return what tells the product where they are."""
        return {
            "BOXOFFICE_DATABASE_URL": self.postgres,
            "BOXOFFICE_REDIS_URL": self.redis,
            **{f"BOXOFFICE_{name.upper()}": text for name, text in more.items()},
        }


@asynccontextmanager
async def fresh_postgres() -> AsyncIterator[str]:
    """Return the address of an empty database that goes after the benchmark."""
    async with fresh_services() as services:
        yield services.postgres


@asynccontextmanager
async def fresh_services() -> AsyncIterator[Services]:
    """Return an empty database that goes after the benchmark, and a Redis."""
    async with _servers() as found:
        await administer(found.postgres, f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        await administer(found.postgres, f"CREATE DATABASE {NAME}")
        yield replace(found, postgres=urlsplit(found.postgres)._replace(path=f"/{NAME}").geturl())
        await administer(found.postgres, f"DROP DATABASE {NAME} WITH (FORCE)")


async def administer(server: str, statement: str) -> None:
    """Run a statement on a server."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def _servers() -> AsyncIterator[Services]:
    named = os.environ.get(ENVIRONMENT), os.environ.get(REDIS_ENVIRONMENT)
    if all(named):
        yield Services(postgres=str(named[0]), redis=str(named[1]))
        return
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as folder:
        command = (sys.executable, "-m", "tests.services", folder)
        keeper = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        try:
            started = await _announced(Path(folder) / "postgres.url", keeper)
            redis = _read(Path(folder) / "redis.url")
            yield Services(postgres=named[0] or started, redis=named[1] or redis)
        finally:
            if keeper.returncode is None:
                keeper.terminate()
            await keeper.wait()


async def _announced(place: Path, keeper: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(START_DEADLINE_S):
        while not (address := _read(place)):
            if keeper.returncode is not None:
                raise SystemExit(f"no databases; {ENVIRONMENT}, {REDIS_ENVIRONMENT} name others")
            await asyncio.sleep(0.05)
    return address


def _read(place: Path) -> str:
    return place.read_text("utf-8") if place.exists() else ""
