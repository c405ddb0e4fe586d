"""What it costs to bring 2,000 accounts of a portal up to date, and how fast it goes.

Measured from the mark of `compose` to the completed rows; settling is not part of it. The limit of
the cost is a bare aiohttp loop, written as aiohttp's documentation shows it, that makes the same
calls with as many in flight and reads the answers; the limit of the speed is one client that makes
them one after the other. Both sides take turns in rounds, each on accounts of its own.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from app.imports.load import import_paths
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.shape import bring_up, open_house
from app.wiring import House
from bench.report import Result, against, at_most, cost
from bench.simulator import Simulator, running
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.ids import ServiceId

ACCOUNTS = 2_000
IN_FLIGHT = 32
ROUNDS = 6
SEQUENTIAL_ACCOUNTS = 60
FLOOD_CALLS = 6_000
COST_TARGET = 0.59
SPEED_TARGET = 20.0
STATUS_CALLS_MAX = 3
TARIFF_CALLS_MAX = 5
SIMULATOR_TARGET = 2_000.0
LATENCY = "slow:20ms"
WITHIN_S = 120.0
LOGIN, PASSWORD = "bench", "bench-secret"
API = "/stalker_portal/api"
OURS = [f"{10_000 + number}" for number in range(ACCOUNTS)]
BARE = [f"{50_000 + number}" for number in range(ACCOUNTS)]

FILES = {
    "operator.toml": """
[operator]
name = "Bench TV"
currency = "EUR"
zone = "Europe/Vienna"
locale = "en"
country = "AT"

[targets.portal]
kind = "ministra"
base_url = "${PORTAL_URL}"
login = "bench"
password = "${PORTAL_PASSWORD}"
api_path = "/stalker_portal/api"

[guard]
share_percent = 100
floor = 100000
""",
    "taxes.csv": "tax,effective_from,rate\nvat,2020-01-01,20%\n",
    "offerings.csv": "code,kind,name,grants,tax\n"
    "BASIC,plan,Basic,base,vat\nGOLD,plan,Gold,gold,vat\nSPORT,addon,Sport,sport,vat\n",
    "prices.csv": "offering,effective_from,currency,amount\n"
    "BASIC,2020-01-01,EUR,10.00\nGOLD,2020-01-01,EUR,20.00\nSPORT,2020-01-01,EUR,5.00\n",
    "routes.csv": "code,target,role,target_code\n"
    "base,portal,tariff,basic\ngold,portal,tariff,gold\nsport,portal,package,sport\n",
}


async def run() -> list[Result]:
    """Measure everything on one portal and one embedded database."""
    async with running("ministra", portal_state()) as portal, product(portal) as house:
        bench = Bench(house, portal)
        await bench.begin()
        results = [
            await bench.cost(),
            *await bench.calls(),
            await bench.speed(),
            await bench.flood(),
        ]
        await bench.end()
        return results


class Bench:
    """The product at work beside a portal, and a client of its own as the limit."""

    def __init__(self, house: House, portal: Simulator) -> None:
        self.house = house
        self.portal = portal
        self.revision = 1
        self.is_lit = True
        self.crew = Crew(duties(house, Role.WORKER))
        self.root = portal.url + API
        token = b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=IN_FLIGHT),
            headers={"Authorization": f"Basic {token}"},
        )

    async def begin(self) -> None:
        """Have the product know its accounts as the portal holds them."""
        async with self.house.store.begin() as tx:
            for sql, rows in households():
                await tx.driver(sql, rows)
        self.crew.start()
        await self.publish(OURS, ServiceState.ACTIVE, "base", "sport")
        await self.mark(OURS)
        await self.done()

    async def end(self) -> None:
        """Let everything rest."""
        await self.crew.rest()
        await self.session.close()

    # -- what is measured

    async def cost(self) -> Result:
        """Compare the processor time of a status change, ours and the bare loop's."""
        spent = {"ours": 0.0, "bare": 0.0}
        for number in range(ROUNDS + 1):
            for side, change in (("ours", self.ours), ("bare", self.bare)):
                took = await change()
                spent[side] += took if number else 0.0  # the first round warms up
        each = 1_000_000 / (ROUNDS * ACCOUNTS)
        ours_us, bare_us = spent["ours"] * each, spent["bare"] * each
        return cost("cpu_0ms", ours_us, bare_us, unit="us/account", target=COST_TARGET)

    async def calls(self) -> list[Result]:
        """Count the calls of a status change, and of a change of tariff and packages."""
        before = await self.portal.calls()
        await self.ours()
        status = (await self.portal.calls() - before) / ACCOUNTS
        state = ServiceState.ACTIVE if self.is_lit else ServiceState.SUSPENDED
        await self.publish(OURS, state, "gold")
        before = await self.portal.calls()
        await self.mark(OURS)
        await self.done()
        tariff = (await self.portal.calls() - before) / ACCOUNTS
        return [
            at_most("calls_status", status, unit="calls", target=STATUS_CALLS_MAX),
            at_most("calls_tariff_packages", tariff, unit="calls", target=TARIFF_CALLS_MAX),
        ]

    async def speed(self) -> Result:
        """Compare accounts per second with one client, the portal taking 20 ms for a call."""
        await self.ours()  # back to the first tariff: what follows is a status change
        await self.portal.admin("/faults", {"spec": LATENCY})
        begun = time.perf_counter()
        await self.ours()
        ours = ACCOUNTS / (time.perf_counter() - begun)
        begun = time.perf_counter()
        for ref in BARE[:SEQUENTIAL_ACCOUNTS]:
            await self.change(ref)
        alone = SEQUENTIAL_ACCOUNTS / (time.perf_counter() - begun)
        await self.portal.admin("/faults", {"clear": True})
        return against("rate_20ms", ours, alone, unit="accounts/s", target=SPEED_TARGET)

    async def flood(self) -> Result:
        """Measure how many calls a second the simulator itself answers."""
        refs = iter(BARE * (FLOOD_CALLS // ACCOUNTS))
        begun = time.perf_counter()
        await asyncio.gather(*(self._read(refs) for _ in range(IN_FLIGHT)))
        rate = FLOOD_CALLS / (time.perf_counter() - begun)
        return Result(
            case="simulator",
            value=round(rate),
            unit="calls/s",
            target=SIMULATOR_TARGET,
            ok=rate >= SIMULATOR_TARGET,
        )

    # -- the product's side

    async def ours(self) -> float:
        """Switch every account over; returns the processor seconds it took."""
        self.is_lit = not self.is_lit
        state = ServiceState.ACTIVE if self.is_lit else ServiceState.SUSPENDED
        await self.publish(OURS, state, "base", "sport")
        begun = time.process_time()
        await self.mark(OURS)
        await self.done()
        return time.process_time() - begun

    async def publish(self, refs: Sequence[str], state: ServiceState, *codes: str) -> None:
        """Write newer rights, as settling would."""
        self.revision += 1
        rows: list[tuple[Any, ...]] = [
            (ref, self.revision, rights(ref, state, codes, self.revision).encode()) for ref in refs
        ]
        async with self.house.store.begin() as tx:
            await tx.driver(
                "INSERT OR REPLACE INTO snapshot (topic, key, revision, value) "
                "VALUES ('entitlement', ?, ?, ?)",
                rows,
            )

    async def mark(self, refs: Sequence[str]) -> None:
        """Have the services composed."""
        async with self.house.store.begin() as tx:
            await self.house.work.mark(tx, "compose", refs)

    async def done(self) -> None:
        """Wait until no row is left; a parked one is a failure of the benchmark."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                await asyncio.sleep(0.1)
                async with self.house.store.read() as tx:
                    rows = await tx.fetch("SELECT count(*), count(parked_at) FROM work")
                left, parked = rows[0]
                if parked:
                    raise RuntimeError(f"{parked} rows were parked")
                if not left:
                    return

    # -- the bare client's side

    async def bare(self) -> float:
        """Make the same calls for as many accounts; returns the processor seconds it took."""
        refs = iter(BARE)
        begun = time.process_time()
        await asyncio.gather(*(self._change_all(refs) for _ in range(IN_FLIGHT)))
        return time.process_time() - begun

    async def _change_all(self, refs: Iterable[str]) -> None:
        for ref in refs:
            await self.change(ref)

    async def change(self, ref: str) -> None:
        """Read an account, write its status, read it again."""
        url = f"{self.root}/accounts/{ref}"
        form = {
            "tariff_plan": "basic",
            "full_name": f"Flat {ref}",
            "comment": f"r{self.revision}",
            "status": "1",
        }
        async with self.session.get(url) as answer:
            await answer.json()
        async with self.session.put(url, data=form) as answer:
            await answer.json()
        async with self.session.get(url) as answer:
            await answer.json()

    async def _read(self, refs: Iterable[str]) -> None:
        for ref in refs:
            async with self.session.get(f"{self.root}/accounts/{ref}") as answer:
                await answer.json()


@asynccontextmanager
async def product(portal: Simulator) -> AsyncIterator[House]:
    """Open the product on an embedded database, with the portal imported as its target."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).write_text(text)
        settings = Settings(data_dir=folder / "data", log_level="error")
        await bring_up(settings)
        async with open_house(settings) as house:
            environment = {"PORTAL_URL": portal.url, "PORTAL_PASSWORD": PASSWORD}
            outcome = await import_paths(house, [folder], environment)
            if not outcome.taken:
                raise RuntimeError(f"the operator was not taken: {outcome.problems}")
            yield house


def households() -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Return the account numbers and boxes of our services, as statements with their rows."""
    refs: list[tuple[Any, ...]] = [(ref, ref) for ref in OURS]
    boxes: list[tuple[Any, ...]] = [(f"box{ref}", f"SN{ref}", mac(ref), ref) for ref in OURS]
    return [
        ("INSERT INTO target_ref (target, service, ref) VALUES ('', ?, ?)", refs),
        (
            (
                "INSERT INTO resource (id, serial, mac, model, state, service, moves, changed_at, "
                "changed_by) VALUES (?, ?, ?, 'M1', 'assigned', ?, 1, 0, 'bench')"
            ),
            boxes,
        ),
    ]


def rights(ref: str, state: ServiceState, codes: Sequence[str], revision: int) -> Entitlement:
    """Return what billing would publish for one service."""
    return Entitlement(
        service=ServiceId(ref),
        revision=revision,
        state=state,
        grants=tuple(Grant(code=code) for code in codes),
        label=f"Flat {ref}",
    )


def mac(ref: str) -> str:
    """Return the address of a household's box."""
    number = int(ref)
    return f"00:1A:79:{number >> 16 & 255:02X}:{number >> 8 & 255:02X}:{number & 255:02X}"


def portal_state() -> dict[str, Any]:
    """Return a portal that holds every account as it is wished at the start."""
    packages = [_package(1, "base-tv"), _package(2, "sport")]
    first = [{"id": 1, "optional": False}, {"id": 2, "optional": True}]
    return {
        "api": {"basic_auth": [LOGIN, PASSWORD]},
        "config": {"enable_api": True, "enable_tariff_plans": True, "enable_subscription": True},
        "channels": [{"id": 1, "name": "One", "number": 1, "base": True}],
        "packages": packages,
        "tariffs": [
            {"id": 1, "external_id": "basic", "name": "Basic", "user_default": True}
            | {"packages": first},
            {"id": 2, "external_id": "gold", "name": "Gold", "user_default": False}
            | {"packages": first},
        ],
        "accounts": [_account(ref) for ref in (*OURS, *BARE)],
    }


def _package(number: int, code: str) -> dict[str, Any]:
    return {"id": number, "external_id": code, "name": code, "type": "tv", "channels": [1]}


def _account(ref: str) -> dict[str, Any]:
    return {
        "login": ref,
        "account_number": ref,
        "full_name": f"Flat {ref}",
        "tariff_plan": "basic",
        "status": 1,
        "stb_mac": mac(ref),
        "subscribed": ["sport"],
    }
