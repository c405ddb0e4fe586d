"""A database that goes away and comes back: the product outlives it, and says so in two lines."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from app.imports.load import import_paths
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.web.acs import Acs
from app.wiring import build, closing
from runtime.outages import FORGOTTEN_AFTER_S
from runtime.work.lane import keep_alive
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to, serving
from tests.services.relay import Relay

pytestmark = pytest.mark.timeout(300)

# On a machine with better things to do, and before a loop is forgotten that never came through.
WITHIN_S = FORGOTTEN_AFTER_S - 15
LOOPS_MIN = 9  # lanes, pumps, ears and what goes by the clock
QUICK = {"sweep_s": 0.05, "heartbeat_s": 0.05, "drift_every_s": 3_600.0}
HEARTBEAT = timedelta(seconds=QUICK["heartbeat_s"])
WAIT_MS = 20
OFTEN = {"lane nobody's", "lane settle", "lane settle by time", "target portal-north"}


class ByRelay:
    """PostgreSQL at the other end of a line that can be cut."""

    def __init__(self, url: str) -> None:
        self._relay = Relay(url)

    async def open(self) -> str:
        """Give the address by which the product reaches it."""
        await self._relay.mend()
        return self._relay.url

    async def lose(self, _house) -> None:
        """Cut the line."""
        await self._relay.cut()

    async def give_back(self) -> None:
        """Mend it."""
        await self._relay.mend()

    async def close(self) -> None:
        """Leave nothing behind."""
        await self._relay.cut()


class ByLock:
    """A SQLite file that somebody else holds and does not let go of."""

    def __init__(self, url: str) -> None:
        self._url = url
        file = url.removeprefix("sqlite:///")
        self._other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    async def open(self) -> str:
        """Give its address."""
        return self._url

    async def lose(self, house) -> None:
        """Lock it, while the product does not wait for long."""
        await house.store.once(f"PRAGMA busy_timeout = {WAIT_MS}", ())
        # Whoever writes just now has to be let go on.
        await asyncio.to_thread(self._other.execute, "BEGIN IMMEDIATE")

    async def give_back(self) -> None:
        """Let go of it."""
        self._other.execute("ROLLBACK")

    async def close(self) -> None:
        """Leave nothing behind."""
        self._other.close()


@pytest.fixture
async def trouble(migrated_url):
    """The database of a test, which can be lost and given back."""
    made = ByRelay(migrated_url) if "postgres" in migrated_url else ByLock(migrated_url)
    yield made
    await made.close()


@pytest.fixture
async def house(trouble, tmp_path):
    """A house on that database, with the targets of the demonstration's operator."""
    settings = Settings(data_dir=tmp_path, database_url=await trouble.open(), acs_port=0)
    async with closing(build(settings.model_copy(update=QUICK))) as built:
        await go_to(built, HARBOUR_BEGINS)
        outcome = await import_paths(built, [HARBOUR], ENVIRONMENT)
        assert list(outcome.problems) == []
        yield built


async def until(holds) -> None:
    """Wait for something to hold."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():  # noqa: ASYNC110 - a log tells no events
            await asyncio.sleep(0.02)


def told(lines, event):
    """Give the lines of an event."""
    return [line for line in lines if line["event"] == event]


async def test_a_lost_database_is_told_once_and_its_return_once(house, trouble):
    """Whatever loops there are: one line when it goes, one when it is back, and no trace."""
    acs = Acs(house.settings, house.targets, house.work)
    await acs.open()
    crew = Crew(duties(house, Role.ALL) | {"acs": acs.run})
    crew.start()
    try:
        with capture_logs() as lines:
            status = await lost_and_given_back(house, trouble, lines)
        assert all(crew.alive.values())
    finally:
        await crew.rest()
    assert status == 503
    (down,), (up,) = told(lines, "database.down"), told(lines, "database.up")
    assert down["reason"]
    assert up["after_s"] > 0
    assert [line for line in lines if line.get("exc_info")] == []


async def lost_and_given_back(house, trouble, lines):
    """Lose the database while a row is held and somebody asks, and wait until it is back."""

    def lost():
        return house.store.outages._lost

    async with house.store.begin() as tx:
        await house.work.mark(tx, "nobody's", ["x"])
    claims = await house.work.claim("nobody's")
    async with serving(house) as served, keep_alive(house.work, claims, HEARTBEAT):
        # Nobody answers at the portal: its pump does nothing but look whether somebody does.
        pumps = house.reconciler._running
        await until(lambda: "portal-north" in pumps)
        await until(lambda: pumps["portal-north"].pump.health.target.probes)
        # What goes by the clock goes on PostgreSQL with whoever leads.
        await until(lambda: house.store.is_sqlite or told(lines, "lead.taken"))
        await trouble.lose(house)
        await until(lambda: lost().keys() >= OFTEN)
        await until(lambda: len(lost()) >= LOOPS_MIN)
        # Settling takes facts first: that asks no more until it has rows, and waits for nothing.
        assert "facts first" not in lost()
        status, _ = await served.api("POST", "boxes/none/restock", {})
        await trouble.give_back()
        await until(lambda: told(lines, "database.up"))
        await until(lambda: not house.store.outages.is_lost)
        # The heartbeat has gone on: the row is held still.
        assert list(await house.work.renew(claims)) == ["x"]
    return status
