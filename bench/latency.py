"""From the last byte of a webhook to the write at the portal, measured from outside.

The simulators say when a message was sent and when the account went on; in between is the product
as one process, then as one that is asked and one that works, on PostgreSQL with a Redis: at rest,
and while a larger base is billed. Payments come at random moments. The limit is a bare aiohttp
server that does nothing but read the account and switch it on.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bench.database import fresh_services
from bench.product import Failed, Product, command, new_ssh_key, serving
from bench.report import Result
from bench.simulator import Simulator, running

PAYMENTS = 300
A_SECOND = 5.0
P50_MS, P99_MS = 50.0, 150.0
APART_P50_MS, APART_P99_MS, BILLING_P99_MS = 60.0, 200.0, 400.0
WITHIN_S = 60.0
BASE = 30_000
BILLING_PAYMENTS = 100
BILLING_A_SECOND = 10.0
A_MONTH = "31d"
OPERATOR = Path(__file__).parents[1] / "demo" / "operators" / "harbour"
FILES = ("operator.toml", "taxes.csv", "offerings.csv", "prices.csv", "routes.csv")
PORTAL_LOGIN, PORTAL_PASSWORD = "harbour", "harbour-portal-secret"
PROVIDER_KEY, WEBHOOK_SECRET = "sk_test_bench", "whsec_of_the_bench"
EVENTS = ["payment_intent.succeeded", "checkout.session.completed"]
ACCOUNTS_PATH = "/stalker_portal/api/v1/accounts/"
CONTRACTS = [f"{300_000 + number}" for number in range(PAYMENTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The newest entries of both journals at one moment."""

    portal: int
    provider: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The two systems beside the product, and a client for them."""

    portal: Simulator
    provider: Simulator
    session: aiohttp.ClientSession

    async def tell_payments_to(self, url: str) -> None:
        """Have the provider deliver its messages to one address alone."""
        hook = {"op": "webhook", "url": url, "secret": WEBHOOK_SECRET, "enabled_events": EVENTS}
        await self.provider.admin("/tamper", hook)

    async def now(self) -> Since:
        """Tell how far both journals are."""
        portal, provider = [
            (await each.admin("/journal?limit=1"))["last"] for each in (self.portal, self.provider)
        ]
        return Since(portal=portal, provider=provider)

    async def sent(self, since: Since) -> dict[str, int]:
        """Tell when the provider had sent its first message about each household."""
        entries = await _journal(self.provider, f"after={since.provider}&face=outgoing")
        told = [entry["after"] for entry in entries]
        return _first((one["metadata"]["account"], one["sent_ns"]) for one in told)

    async def written(self, since: Since) -> dict[str, int]:
        """Tell when the status of each household was first changed at the portal."""
        entries = await _journal(self.portal, f"after={since.portal}&face=api&changed=1")
        changes = [one for one in entries if "status" in (one["after"] or {})]
        return _first((one["subject"], one["at_ns"]) for one in changes)


async def run() -> list[Result]:
    """Measure the product and, on the same payments, the bare server."""
    portal_state = json.loads((OPERATOR / "simulators" / "portal.json").read_text("utf-8"))
    provider_state = {"api_keys": [PROVIDER_KEY]}
    async with (
        running("ministra", portal_state) as portal,
        running("stripe", provider_state) as provider,
        aiohttp.ClientSession() as session,
    ):
        scene = Scene(portal=portal, provider=provider, session=session)
        ours = await through_the_product(scene)
        bare = await through_a_bare_server(scene)
        apart = await through_processes_apart(scene)
        billing = await while_a_bill_run_goes_on(scene)
    return [
        _result("p50_ms", _percentile(ours, 50), _percentile(bare, 50), P50_MS),
        _result("p99_ms", _percentile(ours, 99), _percentile(bare, 99), P99_MS),
        _result("apart_p50_ms", _percentile(apart, 50), _percentile(bare, 50), APART_P50_MS),
        _result("apart_p99_ms", _percentile(apart, 99), _percentile(bare, 99), APART_P99_MS),
        _result("billing_p99_ms", _percentile(billing, 99), _percentile(bare, 99), BILLING_P99_MS),
    ]


# -- the product


async def through_the_product(scene: Scene) -> list[float]:
    """Run it as one process with its default settings; return the milliseconds of each payment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await command(folder, ["import", *operator_files()], _world(scene))
        async with serving(folder) as product:
            return await paid(scene, product, CONTRACTS)


async def through_processes_apart(scene: Scene) -> list[float]:
    """Run a process that is asked and one that works; return the milliseconds of each payment."""
    async with apart(scene, []) as product:
        return await paid(scene, product, CONTRACTS)


async def while_a_bill_run_goes_on(scene: Scene) -> list[float]:
    """Have payments while all accounts of a larger base are due; who pays is none of them."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / "subscribers.csv"
        base.write_text(subscribers(BASE), "utf-8")
        async with apart(scene, [str(base)]) as product:
            contracts = CONTRACTS[:BILLING_PAYMENTS]
            await product.rest()
            links = await owing(scene, product, contracts)
            await product.ask("POST", "clock/advance", {"by": A_MONTH})
            since = await scene.now()
            await pay_all(scene, links, BILLING_A_SECOND)
            if not any(one["kind"] == "settle" and one["due"] for one in await queues(product)):
                raise Failed("the bill run was over before the payments were")
            return await elapsed(scene, since, contracts)


async def queues(product: Product) -> list[dict[str, Any]]:
    """Tell how much work of each kind there is."""
    found: list[dict[str, Any]] = (await product.ask("GET", "work"))["items"]
    return found


@asynccontextmanager
async def apart(scene: Scene, more: Sequence[str]) -> AsyncIterator[Product]:
    """Run the product on PostgreSQL with a Redis; who is asked and who works are two processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with fresh_services() as services:
            settings = services.settings(allow_time_travel="true")
            await command(folder, ["migrate"], settings)
            given = [*operator_files(), *more]
            await command(folder, ["import", *given], {**_world(scene), **settings})
            async with (
                serving(folder, "scheduler", settings),
                serving(folder, "worker", settings),
                serving(folder, "web", settings) as product,
            ):
                yield product


async def paid(scene: Scene, product: Product, contracts: Sequence[str]) -> list[float]:
    """Sign everybody up, let them pay at random moments; return the milliseconds of each."""
    links = await owing(scene, product, contracts)
    since = await scene.now()
    await pay_all(scene, links, A_SECOND)
    return await elapsed(scene, since, contracts)


async def owing(scene: Scene, product: Product, contracts: Sequence[str]) -> list[str]:
    """Sign everybody up; return the provider's pages for what they owe."""
    await scene.tell_payments_to(f"{product.url}/hooks/payments/cards")
    for number in range(len(contracts)):
        await sign_up(product, number)
    await product.rest()
    return [await pay_link(product, contract) for contract in contracts]


def subscribers(count: int) -> str:
    """Return so many households that another system has billed until the end of this month."""
    today = datetime.now(UTC).date()
    first = today.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    head = "contract,name,phone,email,locale,plan,addons,bill_day,started_on,billed_until"
    lines = [f"{head},payment_provider,payment_customer,payment_method"]
    lines += [
        f"{400_000 + number},Base {number},,,,HARBOUR,SPORT,1,{first},{following},,,"
        for number in range(count)
    ]
    return "\n".join(lines) + "\n"


async def sign_up(product: Product, number: int) -> None:
    """Sign a household up, with a box; it is dark until it pays."""
    mac = f"00:1A:79:30:{number // 256:02X}:{number % 256:02X}"
    order = {
        "contract": CONTRACTS[number],
        "name": f"Household {number}",
        "plan": "HARBOUR",
        "addons": ["SPORT"],
        "box": {"serial": f"HT2-{number:06}", "mac": mac, "model": "HT-2"},
    }
    await product.ask("POST", "accounts", order)


async def pay_link(product: Product, contract: str) -> str:
    """Return the provider's page for all that a household owes."""
    return str((await product.ask("POST", f"accounts/{contract}/pay-link", {}))["url"])


async def pay_all(scene: Scene, links: Sequence[str], a_second: float) -> None:
    """Pay each page at its own moment, so many a second; nobody waits for anybody."""
    dice = random.Random(5)  # noqa: S311 - moments of payments protect nothing

    async def pay(url: str) -> None:
        form = {"card": "ok"}
        async with scene.session.post(url, data=form, allow_redirects=False) as answer:
            if answer.status != web.HTTPSeeOther.status_code:
                raise Failed(f"the page answers HTTP {answer.status}")

    async with asyncio.TaskGroup() as paying:
        for url in links:
            await asyncio.sleep(dice.expovariate(a_second))
            paying.create_task(pay(url))


async def elapsed(scene: Scene, since: Since, contracts: Sequence[str]) -> list[float]:
    """Return for each household the milliseconds from its first message to the write."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            sent, written = await scene.sent(since), await scene.written(since)
            if all(one in sent and one in written for one in contracts):
                return [(written[one] - sent[one]) / 1e6 for one in contracts]
            await asyncio.sleep(0.2)


# -- the limit


async def through_a_bare_server(scene: Scene) -> list[float]:
    """Have the same payments told to a server that knows what to do; everybody goes dark by it."""
    async with bare_server(scene) as url:
        await scene.tell_payments_to(url)
        told = await _journal(scene.provider, "face=outgoing")
        first = {entry["after"]["metadata"]["account"]: entry["after"]["event"] for entry in told}
        since = await scene.now()
        dice = random.Random(5)  # noqa: S311 - as above
        for contract in CONTRACTS:
            await asyncio.sleep(dice.expovariate(A_SECOND))
            again = {"op": "redeliver", "event": first[contract], "copies": 1}
            await scene.provider.admin("/tamper", again)
        return await elapsed(scene, since, CONTRACTS)


@asynccontextmanager
async def bare_server(scene: Scene) -> AsyncIterator[str]:
    """Run the least that can turn a message into a write: read the account, write its status."""
    token = b64encode(f"{PORTAL_LOGIN}:{PORTAL_PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def act(contract: str) -> None:
            url = scene.portal.url + ACCOUNTS_PATH + contract
            async with session.get(url) as answer:
                await answer.read()
            async with session.put(url, data={"status": "0"}) as answer:
                await answer.read()

        acting: set[asyncio.Task[None]] = set()

        async def take(request: web.Request) -> web.Response:
            event = await request.json()
            contract = event["data"]["object"]["metadata"]["account"]
            acting.add(asyncio.create_task(act(contract)))
            return web.json_response({})

        app = web.Application()
        app.router.add_post("/", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        await asyncio.gather(*acting)
        await runner.cleanup()


# -- small parts


def operator_files() -> list[str]:
    """Give the operator's files without the boxes, which his households have in years to come."""
    return [str(OPERATOR / file) for file in FILES]


async def _journal(simulator: Simulator, query: str) -> list[dict[str, Any]]:
    answer = await simulator.admin(f"/journal?limit=100000&{query}")
    entries: list[dict[str, Any]] = answer["entries"]
    return entries


def _first(moments: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, at_ns in moments:
        found[key] = min(at_ns, found.get(key, at_ns))
    return found


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _result(case: str, value: float, limit: float, target: float) -> Result:
    return Result(
        case=case,
        value=round(value, 1),
        unit="ms",
        limit=round(limit, 1),
        ratio=round(limit / value, 3),
        target=target,
        ok=value <= target,
    )


def _world(scene: Scene) -> Mapping[str, str]:
    """Return what the operator's files read from the environment of the import."""
    return {
        "PORTAL_URL": scene.portal.url,
        "PORTAL_LOGIN": PORTAL_LOGIN,
        "PORTAL_PASSWORD": PORTAL_PASSWORD,
        "PROVIDER_URL": scene.provider.url,
        "PROVIDER_KEY": PROVIDER_KEY,
        "PROVIDER_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "BOXES_SSH_KEY": new_ssh_key(),
    }
