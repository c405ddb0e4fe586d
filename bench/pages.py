"""How soon pages come to twenty people while ten thousand accounts are billed, on SQLite.

The product runs in this process, as `boxoffice serve` does, so that it can be seen how long its
event loop and its one writer are held; who looks at pages is another process. The limit is the
same people on the same pages before anything is due.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from app.identity import deeds
from app.identity.deeds import NewPerson
from app.imports.load import import_paths
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.shape import bring_up, open_house
from app.web import cookies as kept
from app.web.connection import open_door
from app.web.cursor import cursor
from app.web.routes import all_routes
from app.web.serving import make_app
from app.web.site import Site
from app.wiring import House
from bench.holds import Holds, held
from bench.latency import PROVIDER_KEY, WEBHOOK_SECRET, operator_files, subscribers
from bench.product import new_ssh_key
from bench.report import Result, at_most
from bench.visiting import Seen, Visit, visiting

ACCOUNTS = 10_000
MIDDLE = "404999"  # the number of an account
PEOPLE = 20
READS_S = 1.0
QUIET_S = 20.0
A_MONTH = timedelta(days=31)
PAGE_MS = 150.0
HELD_MS = 25.0
LOOK_EVERY_S = 0.1
REST_DEADLINE_S = 300.0
HOST = "127.0.0.1"


async def run() -> list[Result]:
    """Have people look around first while nothing is due, then while everything is."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        async with served(Path(name)) as (house, url):
            await settled(house)
            visit = await visit_of(house, url)
            quiet, busy = Seen(), Seen()
            async with visiting(visit, quiet):
                await asyncio.sleep(QUIET_S)
            holds = await billed(house, visit, busy)
        return results(quiet, busy, holds)


async def billed(house: House, visit: Visit, seen: Seen) -> Holds:
    """Bill everybody while people look around; tell how long the process was held."""
    with held(house) as holds:
        async with visiting(visit, seen):
            await bill(house)
    return holds


async def bill(house: House) -> None:
    """Let a month go by, so that every account is due, and wait until each has its bill."""
    async with house.store.begin() as tx:
        await house.clock.advance(tx, A_MONTH)
    await settled(house)


def results(quiet: Seen, busy: Seen, holds: Holds) -> list[Result]:
    """Compare each kind of page with itself, and hold what was held against what may be."""
    if failures := quiet.failures + busy.failures:
        raise RuntimeError(f"{len(failures)} pages did not come: {failures[:3]}")
    found = [
        _beside("p50_ms", busy.all_ms, quiet.all_ms, 50),
        _beside("p95_ms", busy.all_ms, quiet.all_ms, 95),
    ]
    found += [
        _beside(f"{kind}_p95_ms", busy.pages_ms[kind], quiet.pages_ms[kind], 95)
        for kind in busy.pages_ms
    ]
    return [
        *found,
        at_most("loop_held_ms", max(holds.loop_ms), unit="ms", target=HELD_MS),
        at_most("writer_held_ms", max(holds.writer_ms), unit="ms", target=HELD_MS),
    ]


def _beside(case: str, busy: Sequence[float], quiet: Sequence[float], percent: int) -> Result:
    value, limit = (
        statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
        for values in (busy, quiet)
    )
    return Result(
        case=case,
        value=round(value, 1),
        unit="ms",
        limit=round(limit, 1),
        ratio=round(limit / value, 3),
        target=PAGE_MS,
        ok=value <= PAGE_MS,
    )


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[House, str]]:
    """Serve an operator with all his households, every duty running; nobody answers outside."""
    settings = Settings(data_dir=folder / "data", allow_time_travel=True, log_level="error")
    base = folder / "subscribers.csv"
    base.write_text(subscribers(ACCOUNTS), "utf-8")
    await bring_up(settings)
    async with open_house(settings) as house:
        files = [*map(Path, operator_files()), base]
        outcome = await import_paths(house, files, nowhere())
        if not outcome.taken:
            raise RuntimeError(f"the operator was not taken: {outcome.problems[:3]}")
        crew = Crew(duties(house, Role.ALL))
        site = Site(house)
        app = make_app(house, all_routes(site, lambda: crew.alive), site.refused)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        door = await open_door(runner, HOST, 0)
        crew.start()
        try:
            yield house, f"http://{HOST}:{door.sockets[0].getsockname()[1]}"
        finally:
            door.close()
            site.close()
            await asyncio.gather(crew.rest(), runner.cleanup())


async def settled(house: House) -> None:
    """Wait until no account is due and no rights are left to compose."""
    query = "SELECT count(*) FROM work WHERE kind IN ('settle', 'compose') AND due_at <= ?"
    async with asyncio.timeout(REST_DEADLINE_S):
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            async with house.store.read() as tx:
                now = await house.clock.business_now(tx)
                ((left,),) = await tx.fetch(query, (int(now.timestamp() * 1_000_000),))
            if not left:
                return


async def visit_of(house: House, url: str) -> Visit:
    """Sign everybody in and say what there is to be seen."""
    cookies = []
    async with house.store.begin() as tx:
        for number in range(PEOPLE):
            new = NewPerson(name=f"person{number}", display=f"Person {number}", role="owner")
            one = await deeds.add(house.keeper, tx, new, "no password", "bench")
            let = await house.keeper.begin(tx, one, label="bench")
            cookies.append(f"__Host-{kept.PEOPLE.sign_in}={let.token}")
    contracts = [f"{400_000 + number}" for number in range(0, ACCOUNTS, 97)]
    async with house.store.read() as tx:
        numbers = [row[0] for row in await tx.fetch("SELECT number FROM invoice LIMIT 100")]
    paths: dict[str, Sequence[str]] = {
        "overview": ["/console/"],
        "accounts": ["/console/accounts", f"/console/accounts?after={cursor((MIDDLE,))}"],
        "household": [f"/console/accounts/{one}" for one in contracts],
        "history": [f"/console/accounts/{one}/history" for one in contracts],
        "search": [f"/console/search?q=Base+{one[2:]}" for one in contracts],
        "invoice": [f"/console/search?q={one}" for one in numbers or ["INV-00000001"]],
        "waiting": ["/console/waiting"],
        "work": ["/console/work"],
    }
    return Visit(url=url, cookies=cookies, paths=paths, reads_s=READS_S)


def nowhere() -> Mapping[str, str]:
    """Return what the operator's files read from the environment of the import."""
    nobody = f"http://{HOST}:9"
    return {
        "PORTAL_URL": nobody,
        "PORTAL_LOGIN": "bench",
        "PORTAL_PASSWORD": "bench",
        "PROVIDER_URL": nobody,
        "PROVIDER_KEY": PROVIDER_KEY,
        "PROVIDER_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "BOXES_SSH_KEY": new_ssh_key(),
    }
