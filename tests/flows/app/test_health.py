"""Health tells the truth: what is broken shows within seconds, says why, and clears again."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.migrations import LOCATION
from app.readiness import LONGER, Readiness, disk_reason
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.shape import newest, revisions
from app.web.health import Aside
from app.wiring import House, build, closing
from gateway.reads.queue import parked
from runtime.presence import Presence
from runtime.store import migrate
from tests.flows.app.process import Serving

SHOWS_WITHIN_S = 10.0
CLEARS_WITHIN_S = 30.0
REVISION_BEFORE = sorted(revisions())[-2]


async def look(url: str, path: str = "/readyz") -> tuple[int, Any]:
    """Ask a process how it is."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}{path}") as answer:
        return answer.status, await answer.json()


async def until(url: str, is_true: Callable[[int, Any], bool], within_s: float) -> tuple[int, Any]:
    """Ask until something is true; fails when it takes too long."""
    ends_at = time.monotonic() + within_s
    while not is_true(*(found := await look(url))):
        assert time.monotonic() < ends_at, found
        await asyncio.sleep(0.1)
    return found


async def text(url: str) -> str:
    """Fetch the numbers."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_lost_database_shows_and_clears(tmp_path, hurt_postgres):
    """A worker that listens for nothing but questions says that its database is gone, and back.

    It lives on meanwhile, its own numbers are told, and no word of it names an address.
    """
    settings = {
        "data_dir": str(tmp_path / "data"),
        "database_url": hurt_postgres.url(),
        "health_port": "0",
    }
    await migrate.upgrade(hurt_postgres.url(), LOCATION)
    async with Serving(tmp_path, settings, "--role", "worker") as serving:
        url = serving.ready["health"]
        status, told = await look(url)
        assert (status, told["ok"], told["degraded"], told["reasons"]) == (200, True, False, {})
        assert {"database", "settle", "reconcile"} <= set(told["checks"])
        hurt_postgres.stop_immediately()
        status, told = await until(url, lambda code, _: code == 503, SHOWS_WITHIN_S)
        assert set(told["reasons"]) == {"database"}
        assert told["reasons"]["database"].startswith("it d")  # does not, or did not in time
        assert str(hurt_postgres.port) not in str(told)
        assert await look(url, "/healthz") == (200, {"ok": True})
        numbers = await text(url)
        assert 'boxoffice_ready{check="database"} 0.0' in numbers
        assert "boxoffice_loop_lag_seconds_count" in numbers
        hurt_postgres.start()
        await until(url, lambda code, _: code == 200, CLEARS_WITHIN_S)
        hurt_postgres.freeze()
        _, told = await until(url, lambda code, _: code == 503, SHOWS_WITHIN_S)
        assert told["reasons"] == {"database": "it did not answer within 2 s"}
        hurt_postgres.thaw()
        await until(url, lambda code, _: code == 200, CLEARS_WITHIN_S)
        assert 'boxoffice_ready{check="database"} 1.0' in await text(url)
        assert await serving.stop() == 0


@asynccontextmanager
async def asked(house: House, crew: Crew) -> AsyncIterator[str]:
    """Listen for questions about a process of such duties; yields the address."""
    aside = Aside(house, lambda: crew.alive)
    await aside.open()
    crew.start()
    try:
        yield aside.url
    finally:
        await crew.rest()
        await aside.close()


def web(house: House) -> Crew:
    """Make the crew of a process that serves pages alone."""
    return Crew(duties(house, Role.WEB))


@pytest.fixture
async def askable(migrated_url, tmp_path) -> AsyncIterator[House]:
    """Return a house that may be asked aside, once on each engine."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url, health_port=0)
    async with closing(build(settings)) as house:
        yield house


async def test_a_lane_that_has_ended_shows(askable):
    """A duty that ends by a bug is named; the others are well."""

    async def crash(_stop: asyncio.Event) -> None:
        raise RuntimeError("a bug with the secret password")

    running = {**duties(askable, Role.WORKER), "settle": crash}
    async with asked(askable, Crew(running)) as url:
        status, told = await until(url, lambda code, _: code == 503, SHOWS_WITHIN_S)
    assert status == 503
    assert set(told["reasons"]) == {"settle"}
    assert "password" not in str(told)


async def renamed(house: House, table: str, to: str) -> None:
    """Take a table away, or put it back."""
    async with house.store.begin() as tx:
        await tx.driver(f"ALTER TABLE {table} RENAME TO {to}")


async def marked(house: House, *accounts: str) -> None:
    """Have accounts looked at."""
    async with house.store.begin() as tx:
        await house.work.mark(tx, "settle", accounts)


async def test_a_lane_that_always_fails_shows_and_clears(askable):
    """It runs, and every row of it fails: told with the kind of error, until one comes through."""
    async with asked(askable, Crew(duties(askable, Role.WORKER))) as url:
        await renamed(askable, "account", "gone")
        await marked(askable, "one", "two")
        _, told = await until(url, lambda code, _: code == 503, SHOWS_WITHIN_S)
        assert set(told["reasons"]) == {"work"}
        assert "work settle (" in told["reasons"]["work"]
        assert "gone" not in str(told)
        assert 'boxoffice_ready{check="work"} 0.0' in await text(url)
        await renamed(askable, "gone", "account")
        await marked(askable, "one", "two")
        await until(url, lambda code, _: code == 200, CLEARS_WITHIN_S)
        assert 'boxoffice_ready{check="work"} 1.0' in await text(url)


async def test_what_claims_nothing_shows_and_clears(askable):
    """No lane can take its rows: each is named, whether or not there is work."""
    async with asked(askable, Crew(duties(askable, Role.WORKER))) as url:
        await renamed(askable, "work", "gone")
        await until(
            url,
            lambda _, told: "lane settle (" in told["reasons"].get("work", ""),
            SHOWS_WITHIN_S,
        )
        await renamed(askable, "gone", "work")
        await until(url, lambda code, _: code == 200, CLEARS_WITHIN_S)


async def test_what_may_be_missed_makes_nothing_unready(askable):
    """Nobody hears that this process is here: it is told as degraded, and the work goes on."""
    presence = Presence(askable.store, askable.clock, askable.chance, role="web", version="1.0")
    crew = Crew({**duties(askable, Role.WEB), "presence": presence.run})
    async with asked(askable, crew) as url:
        await renamed(askable, "process", "gone")
        status, told = await until(url, lambda _, told: told["degraded"], SHOWS_WITHIN_S)
        assert (status, set(told["reasons"])) == (200, {"comfort"})
        assert "presence (" in told["reasons"]["comfort"]
        await renamed(askable, "gone", "process")
        await until(url, lambda _, told: not told["degraded"], CLEARS_WITHIN_S)


async def test_one_bad_row_is_no_failing_lane(askable):
    """A row that fails alone is parked with its reason, and the process stays ready."""
    async with asked(askable, Crew(duties(askable, Role.WORKER))) as url:
        await renamed(askable, "account", "gone")
        await marked(askable, "one")

        async def is_parked() -> bool:
            async with askable.store.read() as tx:
                found = await parked(tx, rows_max=10)
            return [one.key for one in found] == ["one"]

        while not await is_parked():
            assert (await look(url))[0] == 200
            await asyncio.sleep(0.1)


async def test_migrations_that_are_behind_show_and_clear(askable):
    """A database of an older shape is not worked with, and the reason says how to mend it."""
    url = askable.settings.database_url
    async with asked(askable, Crew({})) as address:
        assert (await look(address))[0] == 200
        await migrate.downgrade(url, LOCATION, to=REVISION_BEFORE)
        _, told = await until(address, lambda code, _: code == 503, SHOWS_WITHIN_S)
        why = f"its shape is {REVISION_BEFORE}, not {newest()}: run boxoffice migrate"
        assert told["reasons"] == {"database": why}
        await migrate.upgrade(url, LOCATION)
        await until(address, lambda code, _: code == 200, CLEARS_WITHIN_S)
        async with askable.store.begin() as tx:
            await tx.driver("UPDATE alembic_version SET version_num = '9999'")
        _, told = await until(address, lambda code, _: code == 503, SHOWS_WITHIN_S)
        assert "of another version" in told["reasons"]["database"]


async def test_a_database_that_takes_no_write_shows(fresh_postgres, postgres_server, tmp_path):
    """A database that only answers questions, as a standby does, is not one to work with."""
    await migrate.upgrade(fresh_postgres, LOCATION)
    name = fresh_postgres.rpartition("/")[2]
    postgres_server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    settings = Settings(data_dir=tmp_path, database_url=fresh_postgres)
    async with closing(build(settings)) as house:
        standing = await Readiness(house, dict).look()
    wrong = {check.name: check.reason for check in standing.vital if not check.ok}
    assert wrong == {"database": "it takes no write"}


async def test_without_redis_it_is_degraded_and_ready(migrated_url, redis_server, tmp_path):
    """A bell that is gone makes things slower and nothing else: it is told, and traffic comes."""
    redis_server.start()
    settings = Settings(
        data_dir=tmp_path, database_url=migrated_url, redis_url=redis_server.url, health_port=0
    )
    async with closing(build(settings)) as house, asked(house, web(house)) as url:
        await until(url, lambda _, told: not told["degraded"], CLEARS_WITHIN_S)
        redis_server.kill()
        status, told = await until(url, lambda _, told: told["degraded"], SHOWS_WITHIN_S)
        assert (status, told["ok"]) == (200, True)
        assert told["reasons"] == {"redis": LONGER}
        redis_server.start()
        await until(url, lambda _, told: not told["degraded"], CLEARS_WITHIN_S)


async def test_asking_often_is_looking_once(askable):
    """However many ask at once, the database is asked once a second."""
    readiness = Readiness(askable, dict)
    found = await asyncio.gather(*(readiness.look() for _ in range(50)))
    assert len({id(one.vital[0]) for one in found}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="its /proc is a file system without room")
def test_a_full_disk_shows(tmp_path):
    """A folder with room is well; one of a full file system and one that is gone are not."""
    assert disk_reason(tmp_path) == ""
    assert "less than 64 MiB" in disk_reason(Path("/proc"))  # it never has room
    assert "gone" in disk_reason(tmp_path / "nowhere")
