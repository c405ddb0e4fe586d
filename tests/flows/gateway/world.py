"""A small operator in one process: a portal, the compose lane and the reconciler; billing is us."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, select

from gateway.adapters.sdk import Boxes
from gateway.inventory import flows as inventory
from gateway.inventory.flows import HandOver, NewBox
from gateway.provisioning import refs, routes, targets
from gateway.provisioning.composer import Composer
from gateway.provisioning.keys import COMPOSE
from gateway.provisioning.opening import Targets
from gateway.provisioning.pump import Pace
from gateway.provisioning.reconcile import Reconciler
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.tables import target as target_table
from gateway.provisioning.targets import Configuration
from runtime import log
from runtime.chance import SystemChance
from runtime.clock import Clock
from runtime.http import HttpDoor
from runtime.log import Snapshot
from runtime.secrets import Sealer
from runtime.store import Store
from runtime.work import Lane, Work
from runtime.work import work as work_table
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.http import Answer
from terms.ids import ServiceId, TargetName
from tests.fixtures.clock import START
from tests.simulators.process import RunningSimulator

NORTH = TargetName("north")
ROUTES = (
    Route(code="BASIC", target=NORTH, role=Role.TARIFF, target_code="basic"),
    Route(code="PREMIUM", target=NORTH, role=Role.TARIFF, target_code="premium"),
    Route(code="SPORT", target=NORTH, role=Role.PACKAGE, target_code="sport"),
    Route(code="KIDS", target=NORTH, role=Role.PACKAGE, target_code="kids"),
    Route(code="OPERA", target=NORTH, role=Role.PACKAGE, target_code="opera-nobody-has"),
)
WITHIN_S = 30.0


class WatchedDoor(HttpDoor):
    """The product's own door, which also remembers how many calls ran at once, per address."""

    def __init__(self) -> None:
        super().__init__(networks=["127.0.0.0/8"], in_flight_max=256)
        self.going: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Make the call and watch it."""
        ref = url.rsplit("/", 1)[-1]
        self.going[ref] += 1
        self.most_at_once[ref] = max(self.most_at_once[ref], self.going[ref])
        try:
            return await super().call(method, url, **rest)
        finally:
            self.going[ref] -= 1


class World:
    """One gateway over one store. `clock` may be one that a test moves."""

    def __init__(
        self,
        store: Store,
        portal: RunningSimulator,
        clock: Clock | None = None,
        boxes: Boxes | None = None,
    ) -> None:
        self.store = store
        self.portal = portal
        self.work = Work(store, clock or Clock(), SystemChance())
        self.sealer = Sealer([bytes(32)])
        self.doors: list[WatchedDoor] = []
        self.targets = Targets(
            store, self.sealer, self._open_door, (lambda _: boxes) if boxes else None
        )
        self.composer = Composer(store, self.work)
        self.pace = Pace(sweep_s=0.2, heartbeat_s=1.0)

    def _open_door(self) -> WatchedDoor:
        self.doors.append(WatchedDoor())
        return self.doors[-1]

    def options(self, **more: Any) -> Mapping[str, Any]:
        """The portal's options."""
        return {
            "base_url": self.portal.url,
            "login": "stalker",
            "password": "secret_pass",
            "api_path": "/stalker_portal/api",
            **more,
        }

    async def configure(self, **more: Any) -> None:
        """Write down the portal as target `north`, and the routes."""
        options = self.options(**more.pop("options", {}))
        async with self.store.begin() as tx:
            await targets.configure(
                tx,
                self.sealer,
                Configuration(name=NORTH, kind="ministra", options=options, **more),
            )
            await routes.replace(tx, self.work, ROUTES)

    async def sign_up(self, *services: str, first_ref: int = 1000) -> None:
        """Give services their account number and a box."""
        ids = [ServiceId(service) for service in services]
        async with self.store.begin() as tx:
            await refs.bind(tx, {one: self.ref(one) for one in ids})
            boxes = await inventory.register(
                tx,
                self.work,
                [NewBox(serial=f"SN{self.ref(s)}", model="M1", mac=self.mac(s)) for s in ids],
            )
            await inventory.hand_over(
                tx,
                self.work,
                [
                    HandOver(resource=box.id, service=service, on=START.date(), actor="test")
                    for box, service in zip(boxes, ids, strict=True)
                ],
            )

    @staticmethod
    def ref(service: str) -> str:
        """The account number of service `s7` is 1007."""
        return str(1000 + int(service[1:]))

    @staticmethod
    def mac(service: str) -> str:
        """The MAC of the box of service `s7` ends in 7."""
        number = int(service[1:])
        return f"00:1A:79:01:{number // 256:02X}:{number % 256:02X}"

    async def rights(
        self,
        services: Sequence[str],
        state: ServiceState,
        *codes: str,
        revision: int,
        reason: str = "",
    ) -> None:
        """Publish entitlements as billing would, and have them composed."""
        entitlements = [
            Entitlement(
                service=ServiceId(service),
                revision=revision,
                state=state,
                grants=tuple(Grant(code=code) for code in codes or ("BASIC",)),
                label=f"Flat {service}",
                reason=reason,
            )
            for service in services
        ]
        async with self.store.begin() as tx:
            await log.publish(
                tx,
                "entitlement",
                [
                    Snapshot(key=one.service, revision=one.revision, value=one.encode())
                    for one in entitlements
                ],
            )
            await self.work.mark(tx, COMPOSE, services)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the compose lane and the reconciler in the background."""
        stop = asyncio.Event()
        lane = Lane(self.work, COMPOSE, self.composer.handle, rows_max=500)
        self.reconciler = Reconciler(self.work, self.targets, self.pace)
        runs = (lane.run(stop), self.reconciler.run(stop))
        tasks = [asyncio.create_task(run) for run in runs]
        try:
            yield
        finally:
            stop.set()
            self.store.bell.ring_all()
            await asyncio.gather(*tasks)

    async def settled(self, within_s: float = WITHIN_S) -> None:
        """Wait until nothing is left to do but what is parked."""

        async def nothing_left() -> bool:
            return not await self.left()

        await self.until(nothing_left, within_s)

    async def composer_rests(self) -> None:
        """Wait until every right has become a wish."""

        async def is_composed() -> bool:
            query = select(func.count()).select_from(work_table)
            rows = await self.rows(query.where(work_table.c.kind == COMPOSE))
            return not rows[0][0]

        await self.until(is_composed)

    @staticmethod
    async def until(holds: Callable[[], Awaitable[Any]], within_s: float = WITHIN_S) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110 - the database has no event to wait for
                await asyncio.sleep(0.02)

    async def sees_down(self) -> bool:
        """Tell whether this worker, too, has seen that the portal is down."""
        running = self.reconciler._running.get(NORTH)
        return running is not None and running.pump.health.target.is_down

    async def target(self) -> Any:
        """Return the portal's row."""
        return (await self.rows(select(target_table)))[0]

    async def work_through(self) -> None:
        """Run until nothing is left to do."""
        async with self.running():
            await self.settled()

    async def left(self) -> int:
        """How many rows are not parked."""
        query = select(func.count()).select_from(work_table)
        async with self.store.read() as tx:
            return int(await tx.scalar(query.where(work_table.c.parked_at.is_(None))))

    async def rows(self, query: Any) -> Sequence[Any]:
        """Ask the database."""
        async with self.store.read() as tx:
            return await tx.rows(query)

    async def parked(self) -> dict[str, str]:
        """The reasons of parked rows, by key."""
        query = select(work_table).where(work_table.c.parked_at.is_not(None))
        return {row.key: row.error for row in await self.rows(query)}

    async def account(self, service: str) -> Any:
        """Return the portal's own row of a service, or None."""
        ref = self.ref(service)
        found = await self.portal.aadmin(f"/state?account_number={ref}")
        accounts: list[dict[str, Any]] = found["accounts"]
        assert len(accounts) <= 1, f"{ref} has several rows"
        return accounts[0] if accounts else None

    async def changes(self, service: str = "") -> list[dict[str, Any]]:
        """What API calls changed at the portal, in order."""
        found = await self.portal.aadmin("/journal?face=api&changed=1&limit=100000")
        ref = self.ref(service) if service else ""
        return [one for one in found["entries"] if not ref or one["subject"].startswith(ref)]

    async def close(self) -> None:
        """Close the doors."""
        await self.targets.close()
