"""An operator with technicians: real boxes on a simulated rack, some of them in somebody's van."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from app.desk import jobs, registration, stock
from app.desk.boxes import By
from app.desk.registration import Registration
from app.identity.people import Person
from app.wiring import House
from gateway.inventory import models
from gateway.inventory.flows import NewBox, register
from gateway.inventory.jobs import Job
from gateway.inventory.logins import Described
from gateway.inventory.models import BoxModel
from gateway.inventory.serials import SerialCheck
from gateway.inventory.store import by_serial
from gateway.provisioning import routes, targets
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.targets import Configuration
from gateway.reads.progress import Progress, Stage
from terms.ids import TargetName
from tests.flows.app.operator import contract_of
from tests.flows.app.shop import WITHIN_S, Shop
from tests.flows.app.visitor import Seen, Visitor, added, hurry
from tests.simulators.process import RunningSimulator

RACK = TargetName("rack")
MODEL = "RB-1"
PACKAGES = {"base": "basic", "all": "premium", "sport": "sport", "kids": "kids"}
LOOK_S = 0.02


class Vans:
    """The shop's technicians Tom and Ben, its owner Olga, and a rack of boxes over SSH."""

    tom: Person
    ben: Person
    olga: Person

    def __init__(self, shop: Shop, rack: RunningSimulator) -> None:
        self.shop = shop
        self.house: House = shop.house
        self.rack = rack
        self.told: Sequence[dict[str, Any]] = rack.told["boxes"]
        self.serials = [one["serial"] for one in self.told]

    async def begin(self) -> None:
        """Let three people in, drive the rack, and put its first boxes into Tom's van."""
        hurry(self.house)
        self.tom = await added(self.house, "tom", "technician")
        self.ben = await added(self.house, "ben", "technician")
        self.olga = await added(self.house, "olga", "owner")
        await self.rack.aadmin("/reset", {})
        options = {"models": [MODEL], "private_key": self.rack.told["user_key"]}
        house = self.house
        async with house.store.begin() as tx:
            rb = BoxModel(model=MODEL, serial_check=SerialCheck.LUHN, serial_prefix="RB")
            await models.tell(tx, [rb, BoxModel(model="M1", serial_prefix="SN")])
            wanted = Configuration(name=RACK, kind="ssh", options=options)
            await targets.configure(tx, house.sealer, wanted)
            packages = [
                Route(code=code, target=RACK, role=Role.PACKAGE, target_code=theirs)
                for code, theirs in PACKAGES.items()
            ]
            await routes.replace(tx, house.work, [*await routes.load(tx), *packages])
            new = [
                NewBox(serial=one["serial"], model=MODEL, mac=one["mac"], place=self.tom.actor)
                for one in self.told
            ]
            boxes = await register(tx, house.work, new, actor="test")
            reach = [
                Described(resource=box.id, address=one["address"])
                for box, one in zip(boxes, self.told, strict=True)
            ]
            await house.logins.describe(tx, reach)

    async def open_job(self, number: int, kind: str, person: Person | None = None) -> Job:
        """Open a job at a household, for somebody or for anybody."""
        async with self.house.store.begin() as tx:
            return await jobs.open_job(
                self.house,
                tx,
                kind=kind,
                contract=contract_of(number),
                assignee=person.actor if person else "",
                note="ring twice",
                actor="test",
            )

    async def bind(self, serial: str, number: int) -> None:
        """Register a box for a household as Tom would."""
        wanted = Registration(serial=serial, contract=contract_of(number))
        by = By(actor=self.tom.actor, stock=self.tom.actor)
        async with self.house.store.begin() as tx:
            await registration.register(self.house, tx, wanted, by=by)

    async def tamper(self, serial: str, op: str, **more: Any) -> None:
        """Do something to a box by hand."""
        await self.rack.aadmin("/tamper", {"op": op, "serial": serial, **more})

    async def faults(self, *wishes: dict[str, Any]) -> None:
        """Have the rack misbehave like this, and in no other way."""
        await self.rack.aadmin("/faults", {"clear": True})
        if wishes:
            await self.rack.aadmin("/faults", {"set": list(wishes)})

    async def progress(self, serial: str) -> Progress:
        """Tell how far a box has come."""
        async with self.house.store.read() as tx:
            return await stock.progress(self.house, tx, (await by_serial(tx, [serial]))[serial])

    async def until(self, serial: str, stage: Stage, words: str = "") -> Progress:
        """Wait until a box stands so, with these words in the advice."""
        found = await self.progress(serial)
        try:
            async with asyncio.timeout(WITHIN_S):
                while found.stage is not stage or words not in found.advice:
                    await asyncio.sleep(LOOK_S)
                    found = await self.progress(serial)
        except TimeoutError:
            raise AssertionError(f"never {stage} {words!r}, but {found}") from None
        return found


def page(path: str, **query: str) -> str:
    """Write an address of the field."""
    return f"/field/{path}?{urlencode(query)}" if query else f"/field/{path}"


async def sent(visitor: Visitor, seen: Seen, action: str, **more: str) -> Seen:
    """Send the form of a page that goes to `action`, hidden fields and all."""
    from lxml import html  # noqa: PLC0415 - only tests of forms need it

    (form,) = html.fromstring(seen.text).xpath(f"//form[@method='post'][@action='{action}']")
    given = {
        one.get("name"): one.get("value") or "" for one in form.xpath(".//input[@type='hidden']")
    }
    return await visitor.post(action, **{**given, **more})
