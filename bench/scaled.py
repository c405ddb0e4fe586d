"""How much faster several workers bring a slow portal up to date than one: cases of `provision`.

The portal takes 100 ms for a call and stands 64 at once; each worker is a process with eight under
way. The limit is one worker in the same run, on the same accounts.
"""

from __future__ import annotations

import asyncio

from app.wiring import House
from bench.database import fresh_services
from bench.portal import brought, move_in, portal_state, product, publish
from bench.product import workers
from bench.report import Result, against
from bench.simulator import Simulator, running
from terms.entitlement import ServiceState

ACCOUNTS = 800
CAP = 64
IN_FLIGHT = 8
LATENCY = "slow:100ms"
TARGETS = {2: 1.8, 4: 3.2}
AGREE_S = 2.5  # until workers know how many they are
REFS = [f"{70_000 + number}" for number in range(ACCOUNTS)]


async def run() -> list[Result]:
    """Measure one worker, then two and four."""
    async with (
        running("ministra", portal_state(REFS)) as portal,
        fresh_services() as services,
        product(portal, CAP, database_url=services.postgres, redis_url=services.redis) as (
            house,
            folder,
        ),
    ):
        await move_in(house, REFS)
        settings = services.settings(in_flight_max=str(IN_FLIGHT), log_level="error")
        bench = Scaled(house, portal)
        async with workers(folder, 1, settings):
            await bench.change()  # what is not known yet becomes known
            await portal.admin("/faults", {"spec": LATENCY})
            one = await bench.change()
        results = []
        for count, target in TARGETS.items():
            async with workers(folder, count, settings):
                await asyncio.sleep(AGREE_S)
                rate = await bench.change()
            case = f"scaled_{count}_workers"
            results.append(against(case, rate, one, unit="accounts/s", target=target))
        return results


class Scaled:
    """Accounts that are switched on and off, and a portal that tells when it was done."""

    def __init__(self, house: House, portal: Simulator) -> None:
        self.house = house
        self.portal = portal
        self.revision = 0

    async def change(self) -> float:
        """Switch every account over; return how many a second, from the first to the last."""
        self.revision += 1
        state = ServiceState.SUSPENDED if self.revision % 2 else ServiceState.ACTIVE
        since = (await self.portal.admin("/journal?limit=1"))["last"]
        await publish(self.house, REFS, state, ("base", "sport"), self.revision)
        async with self.house.store.begin() as tx:
            await self.house.work.mark(tx, "compose", REFS)
        await brought(self.house)
        query = f"/journal?limit=100000&after={since}&face=api&changed=1"
        entries = (await self.portal.admin(query))["entries"]
        at = [one["at_ns"] for one in entries if "status" in (one["after"] or {})]
        if len(at) != ACCOUNTS:
            raise RuntimeError(f"{len(at)} of {ACCOUNTS} accounts were switched over")
        took_s = (max(at) - min(at)) / 1e9
        return float((ACCOUNTS - 1) / took_s)
