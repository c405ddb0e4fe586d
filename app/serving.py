"""`boxoffice serve`: one process from its start to its end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from app.identity import people
from app.identity.roles import FIRST_OWNER, OWNER
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.shape import open_house
from app.web.acs import Acs
from app.web.connection import open_door
from app.web.health import Aside
from app.web.routes import all_routes
from app.web.serving import make_app
from app.web.site import Site
from app.wiring import House
from runtime import pulse
from runtime.alone import NotAlone, alone
from runtime.presence import Presence
from runtime.store.engine import driver_url
from runtime.store.sqlite import make_place
from runtime.telemetry import get_log
from terms.errors import DomainError

log = get_log()

SHUTDOWN_S = 5.0
ANSWERS_BOXES = frozenset({Role.ALL, Role.ACS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Told once, when requests are taken."""

    url: str
    acs_url: str
    health_url: str
    pid: int
    role: str
    hints: Sequence[str] = ()
    set_up_code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Told when targets come or go that are called: where boxes may call now; empty: nowhere."""

    acs_url: str


async def serve(
    settings: Settings,
    role: Role,
    host: str,
    port: int,
    announce: Callable[[Ready | Listening], None],
    *,
    offers_code: bool = False,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code: 1 where a duty ended by itself.

    Where nobody is owner yet and it `offers_code`, it announces one that makes the first owner: to
    be shown to the person who has started it, and kept nowhere.
    """
    stop = _told_to_stop()
    async with _opened(settings) as house:
        acs = _acs(house, role, announce)
        always = {"pulse": pulse.run, "presence": _presence(house, role).run}
        crew = Crew(duties(house, role) | always | ({"acs": acs.run} if acs else {}))
        site = Site(house)
        app = make_app(house, all_routes(site, lambda: crew.alive), site.refused)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        aside = Aside(house, lambda: crew.alive)
        try:
            await aside.open()
            door = await _open(runner, role, host, port)
            if acs:
                await acs.open()
            house.store.bell.begin()
            crew.start()
            url = f"http://{host}:{door.sockets[0].getsockname()[1]}" if door else ""
            told = await hints(house) if door else []
            code = await site.first.offer() if door and offers_code else ""
            announce(
                Ready(
                    url=url,
                    acs_url=acs.url if acs else "",
                    health_url=aside.url,
                    pid=os.getpid(),
                    role=role.value,
                    hints=told,
                    set_up_code=code,
                )
            )
            log.info("serve.ready", url=url, role=role.value)
            failed = await _until(stop, crew)
            if door:
                door.close()
        finally:
            site.close()
            await asyncio.gather(crew.rest(), runner.cleanup(), aside.close())
        log.info("serve.ended", failed=failed)
        return 1 if failed else 0


def _acs(house: House, role: Role, announce: Callable[[Ready | Listening], None]) -> Acs | None:
    def moved(url: str) -> None:
        announce(Listening(acs_url=url))

    if role not in ANSWERS_BOXES:
        return None
    return Acs(house.settings, house.targets, house.work, announce=moved)


def _presence(house: House, role: Role) -> Presence:
    running = version("boxoffice")
    return Presence(house.store, house.clock, house.chance, role=role.value, version=running)


def _told_to_stop() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[House]:
    """Open the house that nobody else serves. Raises DomainError where somebody does."""
    with _alone(settings):
        async with open_house(settings) as house:
            yield house


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Keep other processes from serving the same SQLite database; PostgreSQL takes any number."""
    url = driver_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        yield
        return
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_place(url)
    file = Path(str(url.database)).resolve()
    with ExitStack() as held:
        try:
            held.enter_context(alone(file.with_name(f"{file.name}.lock")))
        except NotAlone as other:
            who = f"process {other.pid}" if other.pid else "another process"
            raise DomainError(
                f"{who} serves {file.parent} already: end it first, or set data_dir to another "
                "folder"
            ) from None
        yield


async def hints(house: House) -> list[str]:
    """Say in one line each what a person should know who has just started the pages."""
    found = []
    async with house.store.read() as tx:
        if OWNER not in await people.roles(tx):
            found.append(f"there is no owner yet: {FIRST_OWNER}")
    if house.settings.insecure_cookies:
        found.append(
            "insecure_cookies is on: whoever listens on the network can take a sign-in over"
        )
        log.warning("serve.insecure_cookies")
    return found


async def _open(runner: web.AppRunner, role: Role, host: str, port: int) -> asyncio.Server | None:
    return await open_door(runner, host, port) if role in {Role.ALL, Role.WEB} else None


async def _until(stop: asyncio.Event, crew: Crew) -> str:
    """Wait for the signal or for a duty that ended; returns the duty's name, or nothing."""
    told = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(crew.first_end())
    await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
    failed = ended.result() if ended.done() and not stop.is_set() else ""
    for task in (told, ended):
        task.cancel()
    return failed
