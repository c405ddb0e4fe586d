"""A house that answers over HTTP in this process, and a client that sees every byte of it."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from aiohttp import ClientSession, web
from sqlalchemy import func, select
from yarl import URL

from app.identity import tokens
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.web.connection import listen
from app.web.serving import make_app
from app.wiring import House, build, closing
from gateway.provisioning.tables import target
from runtime.store import to_micros
from runtime.work import work

HARBOUR = Path(__file__).parents[3] / "demo" / "operators" / "harbour"
# Its households have their boxes by then, and nothing is to be billed yet.
HARBOUR_BEGINS = datetime(2039, 12, 1, 12, tzinfo=UTC)
ENVIRONMENT = {
    "PORTAL_URL": "http://127.0.0.1:9",
    "PORTAL_LOGIN": "api",
    "PORTAL_PASSWORD": "p",
    "PROVIDER_URL": "http://127.0.0.1:9",
    "PROVIDER_KEY": "k",
    "PROVIDER_WEBHOOK_SECRET": "whsec_of_the_canary",
    "BOXES_SSH_KEY": asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode(),
}
# Longer than the tests of one process take: so much earlier its files are taken.
A_RUN = timedelta(hours=6)
WITHIN_S = 20.0


@asynccontextmanager
async def at_work(house: House, *, but: str = "") -> AsyncIterator[None]:
    """Have a house do its work, all kinds but one, until the block is left."""
    wanted = duties(house, Role.WORKER)
    crew = Crew({kind: run for kind, run in wanted.items() if kind != but})
    crew.start()
    try:
        yield
    finally:
        await crew.rest()


async def rest(house: House, *kinds: str) -> None:
    """Wait until no row of these kinds is due."""
    async with asyncio.timeout(WITHIN_S):
        while await _due(house, kinds):  # noqa: ASYNC110 - the database tells no events
            await asyncio.sleep(0.02)


async def _due(house: House, kinds: Sequence[str]) -> int:
    c = work.c
    async with house.store.read() as tx:
        now = to_micros(await house.clock.business_now(tx))
        due = (c.kind.in_(kinds), c.parked_at.is_(None), c.due_at <= now)
        return int(await tx.scalar(select(func.count()).select_from(work).where(*due)))


@dataclass(slots=True, kw_only=True)
class Served:
    """A house behind its web server."""

    house: House
    url: str
    token: str
    session: ClientSession
    site: Any

    async def raw(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Call as anybody: status, body and headers of the answer."""
        asking = self.session.request(
            method,
            URL(self.url + path, encoded=True),
            headers=headers,
            data=data,
            allow_redirects=False,
        )
        async with asking as answer:
            return answer.status, await answer.read(), answer.headers

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API with the first token: status and JSON of the answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        status, answer, _ = await self.raw(method, f"/api/v1/{path}", headers=headers, data=data)
        assert status in _described(method, path), f"{method} {path}: {status} is not described"
        return status, json.loads(answer)


def _described(method: str, path: str) -> frozenset[int]:
    """Give the statuses the API says a path may answer with; of what there is not, the usual."""
    from app.web.api.routes import API  # noqa: PLC0415
    from app.web.openapi import statuses_of  # noqa: PLC0415 - tests without an API load faster

    asked = f"/api/v1/{path.partition('?')[0]}"
    for route in API:
        pattern = re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(route.path))
        if route.method == method and re.fullmatch(pattern, asked):
            return statuses_of(route)
    return frozenset({401, 404, 405})


@pytest.fixture
def data_folder(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Path:
    """Return a data folder with a migrated database.

    Where the test asks for `harbour`, too, that operator is in it.
    """
    if "harbour" in request.fixturenames:
        shutil.copytree(request.getfixturevalue("harbour_folder"), tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
async def house(sqlite_url: str, data_folder: Path) -> AsyncIterator[House]:
    """Return a house on a migrated SQLite database, where time may be moved."""
    settings = Settings(data_dir=data_folder, database_url=sqlite_url, allow_time_travel=True)
    async with closing(build(settings)) as built:
        yield built


async def go_to(house: House, at: datetime) -> None:
    """Move business time to an instant that is still to come."""
    async with house.store.begin() as tx:
        await house.clock.advance(tx, at - await house.clock.business_now(tx))


@pytest.fixture(scope="session")
def harbour_folder(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the demonstration's operator, in which nobody works."""
    folder = tmp_path_factory.mktemp("harbour")
    shutil.copy(sqlite_template, folder / "boxoffice.db")
    url = f"sqlite:///{folder / 'boxoffice.db'}"
    asyncio.run(_move_in(Settings(data_dir=folder, database_url=url, allow_time_travel=True)))
    return folder


async def _move_in(settings: Settings) -> None:
    async with closing(build(settings)) as house:
        await go_to(house, HARBOUR_BEGINS - A_RUN)
        await take_harbour(house)


async def take_harbour(house: House) -> None:
    """Import the demonstration's operator."""
    from app.imports.load import import_paths  # noqa: PLC0415 - tests without files load faster

    outcome = await import_paths(house, [HARBOUR], ENVIRONMENT)
    assert list(outcome.problems) == []


@pytest.fixture
async def harbour(house: House) -> House:
    """Return that house with the demonstration's operator; portal and provider do not answer."""
    await go_to(house, HARBOUR_BEGINS)
    async with house.store.read() as tx:
        is_there = await tx.scalar(select(func.count()).select_from(target))
    if is_there:
        await house.refresh_providers()
    else:  # a test file has a house of its own
        await take_harbour(house)
    return house


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[Served]:
    """Answer for a house over HTTP until the block is left; no duty runs by that."""
    from app.web.routes import all_routes  # noqa: PLC0415 - tests without pages load faster
    from app.web.site import Site  # noqa: PLC0415

    site = Site(house)
    app = make_app(house, all_routes(site, dict), site.refused)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    assert runner.server is not None
    door = await listen(runner.server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}"
    now = house.clock.machine_now()
    await tokens.make_first(house.store, house.settings.data_dir, house.chance, now)
    token = (house.settings.data_dir / tokens.TOKEN_FILE).read_text("utf-8").strip()
    async with ClientSession() as session:
        yield Served(house=house, url=url, token=token, session=session, site=site)
    door.close()
    site.close()
    await runner.cleanup()


@pytest.fixture
async def served(house: House) -> AsyncIterator[Served]:
    """Return that house behind its web server, no duty running."""
    async with serving(house) as one:
        yield one
