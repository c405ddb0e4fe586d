"""A gateway whose boxes call it: target `boxes`, a real listener, a fleet in another process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.settings import Settings
from app.web.acs import Acs
from gateway.inventory import flows as inventory
from gateway.inventory.flows import HandOver, NewBox
from gateway.provisioning import routes, targets
from gateway.provisioning.opening import Targets
from gateway.provisioning.operate import Operate
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.tables import observed, wish
from gateway.provisioning.targets import Configuration
from runtime.clock import Clock
from runtime.store import Store
from terms.ids import ServiceId, TargetName
from tests.fixtures.boxes import StoredBoxes
from tests.fixtures.clock import START
from tests.flows.gateway.world import World
from tests.simulators.process import RunningSimulator

BOXES = TargetName("boxes")
HOST = "127.0.0.1"
MODEL = "RB-1"
ROUTES = tuple(
    Route(code=code.upper(), target=BOXES, role=Role.PACKAGE, target_code=code)
    for code in ("basic", "sport", "kids")
)
KEY = "Device.ManagementServer.ParameterKey"
# Every model takes a ring at any time.
MAP = {
    "active": "Device.Services.STBService.1.Enable",
    "packages": "Device.Services.STBService.1.X_BOXOFFICE_Packages",
    "messages": "Device.UserInterface.Messages.",
    "request_every_s": 0.0,
}


def free_port() -> int:
    """Find a port that nobody has now."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


class AcsWorld(World):
    """One gateway over one store, its listener at a known port, and the boxes that call it."""

    def __init__(
        self,
        store: Store,
        fleet: RunningSimulator,
        folder: Path,
        *,
        port: int,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(store, fleet, clock)
        self.fleet = fleet
        self.boxes = StoredBoxes(self.work, BOXES)
        self.targets = Targets(store, self.sealer, self._open_door, lambda _: self.boxes)
        self.operate = Operate(self.work, self.targets)
        self.called_port = port
        self.settings = Settings(data_dir=folder, acs_port=port, heartbeat_s=1.0)
        self.url = f"http://{HOST}:{port}/{BOXES}"
        self.papers = {box["serial"]: box for box in fleet.told["boxes"]}
        self.serials = list(self.papers)

    def move(self, port: int) -> None:
        """Listen elsewhere: boxes call another process, or somebody between."""
        self.settings = self.settings.model_copy(update={"acs_port": port})
        self.url = f"http://{HOST}:{port}/{BOXES}"

    @property
    def database_url(self) -> str:
        """The address of the database, for another process."""
        url = self.store.url
        plain = url.set(drivername=url.drivername.partition("+")[0])
        return str(plain.render_as_string(hide_password=False))

    async def configure(self, **more: Any) -> None:
        """Write down the target and its routes."""
        options = {"models": [MODEL], "maps": {MODEL: MAP}, **more}
        async with self.store.begin() as tx:
            made = Configuration(name=BOXES, kind="cwmp", options=options, guard_floor=1000)
            await targets.configure(tx, self.sealer, made)
            await routes.replace(tx, self.work, ROUTES)

    async def household(self, service: str, *serials: str, is_given: bool = True) -> None:
        """Give a household its boxes, known by their papers and by where they are rung."""
        for serial in serials:
            self.boxes.learn(self.papers[serial], is_given=is_given)
            known = self.boxes.known[serial]
            address = self.papers[serial]["request_url"]
            self.boxes.known[serial] = replace(known, address=address)
        await self.hand_over(service, *serials)

    async def hand_over(self, service: str, *serials: str) -> None:
        """Write down who holds boxes, and nothing else about them."""
        async with self.store.begin() as tx:
            new = [NewBox(serial=serial, model=MODEL) for serial in serials]
            boxes = await inventory.register(tx, self.work, new)
            given = [
                HandOver(resource=box.id, service=ServiceId(service), on=START.date(), actor="test")
                for box in boxes
            ]
            await inventory.hand_over(tx, self.work, given)

    @asynccontextmanager
    async def listening(self, *, rest_s_max: float = 1.0) -> AsyncIterator[Acs]:
        """Answer boxes until the block is left."""
        acs = Acs(self.settings, self.targets, self.work, rest_s_max=rest_s_max)
        stop = asyncio.Event()
        await acs.open()
        task = asyncio.create_task(acs.run(stop))
        try:
            yield acs
        finally:
            stop.set()
            await task

    @asynccontextmanager
    async def open_to_boxes(self) -> AsyncIterator[None]:
        """Do everything: compose, ring, answer."""
        async with self.listening(), self.running():
            yield

    # -- the boxes' own side

    async def box(self, serial: str) -> Any:
        """Read a box at its simulator."""
        (box,) = (await self.fleet.aadmin(f"/state?serial={serial}"))["boxes"]
        return box

    async def tamper(self, op: str, serial: str, **more: Any) -> None:
        """Do something to a box by hand."""
        await self.fleet.aadmin("/tamper", {"op": op, "serial": serial, **more})

    async def hurt(self, *specs: str) -> None:
        """Let faults lie in wait."""
        await self.fleet.aadmin("/faults", {"clear": True, "spec": ";".join(specs)})

    async def writes(self, serial: str) -> Sequence[Mapping[str, Any]]:
        """List what was set at a box."""
        found = await self.fleet.aadmin(f"/journal?face=device&subject={serial}&limit=10000")
        return [one for one in found["entries"] if one["call"] == "SetParameterValues"]

    async def sessions(self, serial: str) -> Sequence[Mapping[str, Any]]:
        """List the sessions of a box that went well: their events and what was asked."""
        found = await self.fleet.aadmin(f"/journal?face=outgoing&subject={serial}&limit=10000")
        return [one["after"] for one in found["entries"] if not one["after"]["broken"]]

    async def called(self, serial: str, times: int) -> bool:
        """Tell whether a box has had so many sessions that went well."""
        return len(await self.sessions(serial)) >= times

    async def booted(self, serial: str, times: int) -> bool:
        """Tell whether a box has booted so often."""
        return bool((await self.box(serial))["boots"] >= times)

    async def has_called_until_it_is_given(self, serial: str) -> bool:
        """Have a box call once more, unless it has shown secrets that were made for it."""
        if not self.boxes.known[serial].is_given:
            await self.tamper("inform", serial, event="2 PERIODIC")
        return self.boxes.known[serial].is_given

    async def holds(self, serial: str, *, active: bool, revision: int) -> bool:
        """Tell whether a box is lit or dark and carries a revision."""
        box = await self.box(serial)
        return (box["active"], box["revision"]) == (active, str(revision))

    async def proven(self, revision: int) -> bool:
        """Tell whether every box was seen to hold that revision."""
        rows = await self.rows(select(observed.c.revision))
        return bool(rows) and {row.revision for row in rows} == {revision}

    async def sightings(self) -> Sequence[Any]:
        """List what was seen of the boxes."""
        return await self.rows(select(observed))

    async def composed(self, revision: int) -> None:
        """Wait until a revision has become a wish."""

        async def is_wished() -> bool:
            return any(row.revision == revision for row in await self.rows(select(wish.c.revision)))

        await self.until(is_wished)

    async def urged(self, serial: str, *, revision: int, active: bool) -> None:
        """Have a box call and restart, as it would in time, until it has proven a revision."""

        async def is_right() -> bool:
            if await self.proven(revision):
                return True
            await self.tamper("inform", serial, event="2 PERIODIC")
            if (await self.box(serial))["active"] is not active:
                return False
            return await self.proven(revision)

        try:
            await self.until(is_right, 2.0)
        except TimeoutError:
            await self.tamper("crash", serial)
            await self.until(is_right)

    async def knows(self, serial: str, name: str) -> bool:
        """Tell whether a secret of a box is known."""
        return serial in self.boxes.known and name in self.boxes.known[serial].secrets

    async def knows_no_more(self, serial: str, name: str) -> bool:
        """Tell whether a secret of a box is known no more."""
        return not await self.knows(serial, name)

    async def noted(self, strangers: int) -> bool:
        """Tell whether so many boxes were noted as strangers."""
        return len({one.serial for one in self.boxes.strangers}) >= strangers

    async def has_other_than(self, serial: str, password: str) -> bool:
        """Tell whether a box has shown another password than this."""
        return self.boxes.known[serial].secrets["password"] != password
