"""How much of a bare handler's speed the API keeps: a document read, a payment taken.

The limit is a bare aiohttp handler that makes the same statements by the bare driver, as they were
written down when the product made them, and answers with the rows it has read; it checks nothing
and knows nobody. Both take turns in one process; who asks is another one.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import orjson
from aiohttp import web

from app.desk.signup import Household, sign_up
from app.identity import tokens
from app.imports.load import import_paths
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.shape import bring_up, open_house
from app.web.connection import listen
from app.web.routes import all_routes
from app.web.serving import make_app
from app.web.site import Site
from app.wiring import House
from bench.asking import ask
from bench.database import fresh_postgres
from bench.latency import (
    PORTAL_LOGIN,
    PORTAL_PASSWORD,
    PROVIDER_KEY,
    WEBHOOK_SECRET,
    operator_files,
)
from bench.product import new_ssh_key
from bench.replaying import Bare, BarePostgres, BareSqlite, Statement, ids_of, written_down
from bench.report import Result, against

TARGET = 0.5
ROUNDS = 5
READS, WRITES = 200, 200
HOUSEHOLDS = 40
CONNECTIONS = 8
RESTS_S = 30.0
HOST = "127.0.0.1"

Answer = Callable[[web.Request], Awaitable[web.Response]]


async def run() -> list[Result]:
    """Measure both engines."""
    results = []
    async with fresh_postgres() as url:
        results += await _engine("postgres", url)
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as folder:
        results += await _engine("sqlite", f"sqlite:///{folder}/bench.db")
    return results


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What is said of a household in statements."""

    contract: str
    service: str
    account: str


@dataclass(slots=True, kw_only=True)
class Scene:
    """The product with its households, and how often somebody has paid."""

    house: House
    port: int
    token: str
    households: Sequence[Whose]
    receipts: int = 0

    def read(self) -> str:
        """Word a question for a household's document."""
        return self._request("GET", self._next().contract, "", "")

    def write(self) -> str:
        """Word a payment, with a receipt of its own."""
        receipt, household = self.receipt(), self._next()
        body = json.dumps({"amount": "1.00", "reference": receipt})
        return self._request("POST", f"{household.contract}/payments", body, receipt)

    def receipt(self) -> str:
        """Give a number that was never used."""
        self.receipts += 1
        return f"receipt-{self.receipts:08}"

    def _next(self) -> Whose:
        self.receipts += 1
        return self.households[self.receipts % len(self.households)]

    def _request(self, method: str, path: str, body: str, key: str) -> str:
        heads = [f"{method} /api/v1/accounts/{path} HTTP/1.1", f"Host: {HOST}:{self.port}"]
        heads += [f"Authorization: Bearer {self.token}"]
        if body:
            heads += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
            heads += [f"Idempotency-Key: {key}"]
        return "\r\n".join([*heads, "", body])


async def _engine(name: str, url: str) -> list[Result]:
    async with _product(url) as scene, _bare_driver(name, url) as bares:
        results = []
        for case, request, calls in (
            ("read", scene.read, READS),
            ("write", scene.write, WRITES),
        ):
            story, household, receipt = await _written_down(scene, request)
            bare = _handler(scene, bares, story, household, receipt)
            async with _listening(bare) as port:
                spent = await _take_turns(scene, port, request, calls)
            speeds = [ROUNDS * calls / seconds for seconds in spent]
            results.append(against(f"{name}_{case}", *speeds, unit="requests/s", target=TARGET))
        return results


async def _take_turns(
    scene: Scene, bare_port: int, request: Callable[[], str], calls: int
) -> tuple[float, float]:
    """Return the seconds of the product and of the bare handler; the first round warms up."""
    spent = {scene.port: 0.0, bare_port: 0.0}
    for number in range(ROUNDS + 1):
        for port in spent:
            asked = [request() for _ in range(calls)]
            done = await ask(port, asked, connections=CONNECTIONS)
            if set(done.statuses) - {"200", "201"}:
                raise RuntimeError(f"not all was answered: {done.statuses}")
            spent[port] += done.seconds if number else 0.0
    return spent[scene.port], spent[bare_port]


async def _written_down(
    scene: Scene, request: Callable[[], str]
) -> tuple[list[list[Statement]], Whose, str]:
    """Have the product do it once, with all that it keeps from then on ready; write that down."""
    await ask(scene.port, [request() for _ in range(2 * CONNECTIONS)], connections=CONNECTIONS)
    asked = request()
    async with scene.house.store.read() as tx:
        lease = type(tx._lease)  # noqa: SLF001 - what the product makes its statements by
    with written_down(lease) as story:
        await ask(scene.port, [asked], connections=1)
    household = next(one for one in scene.households if f"/{one.contract}" in asked)
    key = asked.partition("Idempotency-Key: ")[2].partition("\r\n")[0]
    return story.transactions, household, key


def _handler(
    scene: Scene,
    bares: asyncio.Queue[Bare],
    story: Sequence[Sequence[Statement]],
    told: Whose,
    receipt: str,
) -> Answer:
    """Make the bare handler: the same statements for another household, under other ids."""
    known = {told.contract, told.service, told.account}
    new_ids = {found for part in story for one in part for found in ids_of(one.values)} - known
    fresh = count(1)
    by_contract = {one.contract: one for one in scene.households}

    def names(request: web.Request, body: Mapping[str, Any]) -> dict[str, str]:
        whose = by_contract[request.match_info["contract"]]
        found = {told.contract: whose.contract, told.service: whose.service}
        found[told.account] = whose.account
        if receipt:
            found[receipt] = body["reference"]
            found |= {one: f"{next(fresh):026}" for one in new_ids}
        return found

    async def handle(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        bare = await bares.get()
        try:
            rows = await bare.tell(story, names(request, body))
        finally:
            bares.put_nowait(bare)
        return web.Response(body=orjson.dumps(rows, default=str), content_type="application/json")

    return handle


@asynccontextmanager
async def _listening(handle: Answer) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/api/v1/accounts/{contract}", handle)
    app.router.add_post("/api/v1/accounts/{contract}/payments", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


@asynccontextmanager
async def _bare_driver(name: str, url: str) -> AsyncIterator[asyncio.Queue[Bare]]:
    """Open as many bare connections as are of use: on SQLite one, as there is one writer."""
    bares: asyncio.Queue[Bare] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        if name == "sqlite":
            path = url.removeprefix("sqlite:///")
            opened = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
                await opened.execute(f"PRAGMA {pragma}")
            bares.put_nowait(BareSqlite(opened))
        else:
            for _ in range(CONNECTIONS):
                connection = await asyncpg.connect(url)
                stack.push_async_callback(connection.close)
                bares.put_nowait(BarePostgres(connection))
        yield bares


@asynccontextmanager
async def _product(url: str) -> AsyncIterator[Scene]:
    """Open the product with the demonstration's households, billed once; no duty runs."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as folder:
        settings = Settings(
            data_dir=Path(folder), database_url=url, log_level="error", api_calls_per_s=1_000_000
        )
        await bring_up(settings)
        async with open_house(settings) as house:
            outcome = await import_paths(house, [Path(file) for file in operator_files()], _world())
            if not outcome.taken:
                raise RuntimeError(f"the operator was not taken: {outcome.problems[:3]}")
            site = Site(house)
            runner = web.AppRunner(make_app(house, all_routes(site, dict)), access_log=None)
            await runner.setup()
            if runner.server is None:
                raise RuntimeError("the server library has no server")
            door = await listen(runner.server, HOST, 0)
            token = (Path(folder) / tokens.TOKEN_FILE).read_text("utf-8").strip()
            port = int(door.sockets[0].getsockname()[1])
            await _sign_up(house)
            yield Scene(house=house, port=port, token=token, households=await _households(house))
            door.close()
            site.close()
            await runner.cleanup()


async def _sign_up(house: House) -> None:
    """Sign households up and let each have its first invoice."""
    orders = [
        Household(
            contract=f"{300_000 + n}", name=f"Household {n}", plan="HARBOUR", addons=("SPORT",)
        )
        for n in range(HOUSEHOLDS)
    ]
    async with house.store.begin() as tx:
        for order in orders:
            await sign_up(house, tx, order, "bench")
    crew = Crew({"settle": duties(house, Role.WORKER)["settle"]})
    crew.start()
    invoices = 0
    async with asyncio.timeout(RESTS_S):
        while invoices < HOUSEHOLDS:
            await asyncio.sleep(0.1)
            async with house.store.read() as tx:
                ((invoices,),) = await tx.fetch("SELECT count(*) FROM invoice")
    await crew.rest()


async def _households(house: House) -> list[Whose]:
    async with house.store.read() as tx:
        rows = await tx.fetch("SELECT contract, id, account_id FROM service WHERE contract >= '3'")
    return [Whose(contract=row[0], service=row[1], account=row[2]) for row in rows]


def _world() -> Mapping[str, str]:
    """Return what the operator's files read from the environment of the import; nobody answers."""
    nobody = f"http://{HOST}:9"
    return {
        "PORTAL_URL": nobody,
        "PORTAL_LOGIN": PORTAL_LOGIN,
        "PORTAL_PASSWORD": PORTAL_PASSWORD,
        "PROVIDER_URL": nobody,
        "PROVIDER_KEY": PROVIDER_KEY,
        "PROVIDER_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "BOXES_SSH_KEY": new_ssh_key(),
    }
