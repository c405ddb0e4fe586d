"""What it costs to bring 2,000 accounts of a portal up to date, and how fast it goes.

From the mark of `compose` to the completed rows. The limit of the cost is a bare aiohttp loop, as
aiohttp's documentation shows it, that makes the same calls with as many in flight and reads the
answers; that of the speed is one client that makes them one after the other. Both sides take turns
in rounds, each on accounts of its own. Several workers: `bench/scaled.py`.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence

import aiohttp

from app.roles.crew import Crew, Role, duties
from app.wiring import House
from bench import scaled
from bench.portal import LOGIN, PASSWORD, brought, move_in, portal_state, product, publish
from bench.report import Result, against, at_most, cost
from bench.simulator import Simulator, running
from terms.entitlement import ServiceState

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
API = "/stalker_portal/api"
OURS = [f"{10_000 + number}" for number in range(ACCOUNTS)]
BARE = [f"{50_000 + number}" for number in range(ACCOUNTS)]


async def run() -> list[Result]:
    """Measure everything on one portal and one embedded database; then several workers."""
    async with (
        running("ministra", portal_state((*OURS, *BARE))) as portal,
        product(portal, IN_FLIGHT) as (house, _),
    ):
        bench = Bench(house, portal)
        await bench.begin()
        results = [
            await bench.cost(),
            *await bench.calls(),
            await bench.speed(),
            await bench.flood(),
        ]
        await bench.end()
    return [*results, *await scaled.run()]


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
        await move_in(self.house, OURS)
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
        await publish(self.house, refs, state, codes, self.revision)

    async def mark(self, refs: Sequence[str]) -> None:
        """Have the services composed."""
        async with self.house.store.begin() as tx:
            await self.house.work.mark(tx, "compose", refs)

    async def done(self) -> None:
        """Wait until no row is left."""
        await brought(self.house)

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
