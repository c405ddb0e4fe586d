"""A small operator whose households have boxes: a portal, and a rack of each kind of box."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.inventory import flows as inventory
from gateway.inventory import stock
from gateway.inventory.flows import HandOver, NewBox, TakeBack
from gateway.inventory.model import Resource
from gateway.inventory.stock import Shelve
from gateway.provisioning import refs, routes, targets
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.targets import Configuration
from runtime.store import Store
from terms.ids import ResourceId, ServiceId, TargetName
from tests.fixtures.clock import START
from tests.fixtures.papers import Papers, papers_of
from tests.flows.gateway.world import NORTH, World
from tests.simulators.process import RunningSimulator

# The model on our shelf says through which target a box is driven.
MODELS = {"ssh": "RB-1 shell", "snmp": "RB-1 agent"}
PACKAGES = {"BASIC": "basic", "SPORT": "sport"}


class Street(World):
    """A portal and boxes of two kinds, each kind a target."""

    papers: Papers

    def __init__(
        self, store: Store, portal: RunningSimulator, racks: Mapping[str, RunningSimulator]
    ) -> None:
        self.papers = papers_of(*(rack.told["boxes"] for rack in racks.values()))
        super().__init__(store, portal, boxes=self.papers)
        self.racks = racks
        self.serials = {
            kind: [one["serial"] for one in rack.told["boxes"]] for kind, rack in racks.items()
        }
        self.ids: dict[str, ResourceId] = {}

    async def open(self) -> None:
        """Write down the portal, a target for each kind of box, the routes, and all boxes."""
        await self.configure()
        key = self.racks["ssh"].told["user_key"]
        options: Mapping[str, Mapping[str, Any]] = {
            "ssh": {"models": [MODELS["ssh"]], "private_key": key},
            "snmp": {"models": [MODELS["snmp"]], "deadline_s": 1.0, "retries": 1},
        }
        to_portal = [
            Route(code="BASIC", target=NORTH, role=Role.TARIFF, target_code="basic"),
            Route(code="SPORT", target=NORTH, role=Role.PACKAGE, target_code="sport"),
        ]
        to_boxes = [
            Route(code=ours, target=TargetName(kind), role=Role.PACKAGE, target_code=theirs)
            for kind in self.racks
            for ours, theirs in PACKAGES.items()
        ]
        async with self.store.begin() as tx:
            for kind in self.racks:
                target = Configuration(name=TargetName(kind), kind=kind, options=options[kind])
                await targets.configure(tx, self.sealer, target)
            await routes.replace(tx, self.work, [*to_portal, *to_boxes])
            new = [
                NewBox(serial=serial, model=MODELS[kind])
                for kind, serials in self.serials.items()
                for serial in serials
            ]
            for box in await inventory.register(tx, self.work, new):
                self.ids[box.serial] = box.id

    async def move_in(self, service: str, *serials: str) -> None:
        """Give a service its account number and hand boxes over."""
        async with self.store.begin() as tx:
            await refs.bind(tx, {ServiceId(service): self.ref(service)})
            moves = [
                HandOver(
                    resource=self.ids[serial],
                    service=ServiceId(service),
                    on=START.date(),
                    actor="test",
                )
                for serial in serials
            ]
            await inventory.hand_over(tx, self.work, moves)

    async def bring_back(self, serial: str) -> Sequence[Resource]:
        """Take a box back and put it on the shelf."""
        box = self.ids[serial]
        on = START.date() + timedelta(days=1)
        async with self.store.begin() as tx:
            taken = await inventory.take_back(
                tx, self.work, [TakeBack(resource=box, on=on, actor="test")]
            )
            await stock.restock(tx, self.work, [Shelve(resource=box, actor="test")])
            return taken

    def rack_of(self, serial: str) -> RunningSimulator:
        """Find the rack a box stands in."""
        return self.racks[self.target_of(serial)]

    def target_of(self, serial: str) -> TargetName:
        """Name the target that drives a box."""
        return TargetName(next(kind for kind in self.racks if serial in self.serials[kind]))

    async def box(self, serial: str) -> Mapping[str, Any]:
        """Look at a box itself."""
        found: Mapping[str, Any] = (await self.rack_of(serial).aadmin(f"/state?serial={serial}"))[
            "boxes"
        ][0]
        return found

    async def tamper(self, serial: str, op: str, **more: Any) -> None:
        """Do something to a box by hand."""
        await self.rack_of(serial).aadmin("/tamper", {"op": op, "serial": serial, **more})

    async def done_to(self, serial: str) -> list[Mapping[str, Any]]:
        """List what our calls changed of a box, in order."""
        query = f"/journal?subject={serial}&face=api&changed=1&limit=100000"
        entries: list[Mapping[str, Any]] = (await self.rack_of(serial).aadmin(query))["entries"]
        return entries
