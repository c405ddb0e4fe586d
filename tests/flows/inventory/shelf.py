"""A small inventory: a few boxes, households that are only names, days that are only dates."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from gateway.inventory import flows, store
from gateway.inventory.flows import HandOver, NewBox, register
from gateway.inventory.model import WAREHOUSE, Resource
from runtime.chance import SeededChance
from runtime.clock import Clock
from runtime.log import log_entry
from runtime.store import Store
from runtime.work import Work
from terms.facts import PossessionChanged
from terms.ids import ServiceId
from tests.fixtures.clock import FakeMachine

ACTOR = "ann"
DAY = date(2026, 3, 1)
MODEL = "RB-1"
ONE, TWO = ServiceId("S1"), ServiceId("S2")


class Shelf:
    """An inventory over one store."""

    def __init__(self, opened: Store, machine: FakeMachine | None = None) -> None:
        self.store = opened
        self.machine = machine or FakeMachine()
        self.clock = Clock(self.machine)
        self.work = Work(opened, self.clock, SeededChance(7))

    async def boxes(self, *serials: str, place: str = WAREHOUSE) -> list[Resource]:
        """Make boxes known, in stock."""
        new = [NewBox(serial=serial, model=MODEL, place=place) for serial in serials]
        async with self.store.begin() as tx:
            return await register(tx, self.work, new, actor=ACTOR)

    async def held(self, serial: str, service: ServiceId = ONE) -> Resource:
        """Make a box known that a household holds."""
        (box,) = await self.boxes(serial)
        async with self.store.begin() as tx:
            move = HandOver(resource=box.id, service=service, on=DAY, actor=ACTOR)
            return (await flows.hand_over(tx, self.work, [move]))[0]

    async def box(self, serial: str) -> Resource:
        """Read a box."""
        async with self.store.read() as tx:
            return (await store.by_serial(tx, [serial]))[serial]

    async def lines(self, serial: str) -> Sequence[store.Line]:
        """Read its history."""
        async with self.store.read() as tx:
            return await store.history(tx, serial)

    async def facts(self) -> list[PossessionChanged]:
        """Read every possession fact, in order."""
        wanted = log_entry.c.kind == PossessionChanged.KIND
        query = select(log_entry.c.value).where(wanted).order_by(log_entry.c.position)
        async with self.store.read() as tx:
            return [PossessionChanged.decode(row.value) for row in await tx.rows(query)]

    async def marked(self) -> set[str]:
        """Take the services that are to be composed anew."""
        claims = await self.work.claim("compose")
        async with self.store.begin() as tx:
            await self.work.complete(tx, claims)
        return {claim.key for claim in claims}
