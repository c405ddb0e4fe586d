"""Boxes over the counter, on a moved clock: each day in a household's hands is paid once.

What is done is done by the stories of the desk, and billing hears of it from the inventory alone.
"""

import os
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.desk import boxes, stock
from app.desk.boxes import Back, By
from app.roles.activations import activate_proven
from app.roles.possessions import take_possessions
from app.settings import Settings
from app.wiring import House, build, closing
from billing.equipment.model import Starts
from gateway.inventory import store as inventory
from gateway.inventory.flows import NewBox
from gateway.inventory.model import Resource, ResourceState
from runtime import log
from runtime.log import Entry, log_entry
from terms.entitlement import ServiceState
from terms.facts import BoxProven, Condition, PossessionChanged
from terms.ids import ServiceId, TargetName
from tests.fixtures.billing import START, Office
from tests.fixtures.clock import FakeMachine
from tests.flows.billing.books import check_books
from tests.flows.billing.test_histories import scratch
from tests.flows.billing.test_possession_days import (
    BOXES,
    CONTRACTS,
    MOVES,
    Held,
    Life,
    check_days,
    check_money,
)

EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "8"))
ACTS = 40
ACTOR = "ann"
TOLD_LATE_DAYS = (0, 0, 0, 2, 20, 31)


class CounterLife(Life):
    """The same life, lived at the counter. Billing may hear of a move some time later."""

    def __init__(self, house: House, office: Office, starts: Starts, seed: int) -> None:
        super().__init__(office, starts, seed)
        self.house = house
        self.proofs = 0

    async def begin(self) -> None:
        """Sign the households up and put the boxes on the shelf."""
        await super().begin()
        async with self.house.store.begin() as tx:
            for number in BOXES:
                new = NewBox(serial=f"S-{number}", model="RB-1" if number else "RB-2")
                await boxes.register(self.house, tx, new, ACTOR)

    async def settle(self) -> None:
        """Settle everybody, with all that has happened."""
        await take_possessions(self.house)
        await super().settle()

    async def box(self, number: int) -> Resource:
        """Look a box up."""
        async with self.house.store.read() as tx:
            return await boxes.known(tx, f"S-{number}")

    async def _tell(self, fact: tuple[str, PossessionChanged]) -> None:
        """Tell a fact once more, behind the newest."""
        await take_possessions(self.house)
        await super()._tell(fact)

    async def _decide(self, one: Held, keep: int) -> None:
        await take_possessions(self.house)
        await super()._decide(one, keep)

    def _day(self, *numbers: int) -> date:
        """Choose the day of a move, which may be told late, but not before the last one."""
        earliest = [self.paper.last_on.get(each, START.date()) for each in numbers]
        told_late = timedelta(days=self.dice.choice(TOLD_LATE_DAYS))
        return max(self.today - told_late, *earliest)

    async def _move(self, number: int) -> None:
        """Move a box as its place allows, by a story of the desk, and write it down."""
        paper, on = self.paper, self._day(number, number)
        name = self.dice.choice(MOVES[paper.place(number)])
        condition = self.dice.choice([None, Condition.FAULTY, Condition.DAMAGED])
        match name:
            case "hand over":
                await self._hand_over(number, self.dice.choice(CONTRACTS), on)
            case "activate" if self.dice.random() < 0.5:
                await self._prove(number)
            case "activate":
                await self._activate(number, on)
            case "swap":
                await self._swap("", number)
            case "return":
                await self._come_back(number, on, condition)
            case "lose":
                await self._lose(number, on)
            case "find":
                await self._come_back(number, on, condition)
        if self.dice.random() < 0.5:
            await take_possessions(self.house)

    async def _hand_over(self, number: int, contract: str, on: date) -> None:
        await self._restock(number)
        async with self.house.store.begin() as tx:
            await boxes.hand_over(self.house, tx, f"S-{number}", contract, on=on, actor=ACTOR)
        self.paper.at[number] = contract
        key = await self._heard(number, on=on)
        if self.paper.starts is Starts.HAND_OVER:
            self.paper.begin(key, number, on)

    async def _activate(self, number: int, on: date) -> None:
        """Somebody saw it work."""
        is_new = (await self.box(number)).state is not ResourceState.ACTIVE
        async with self.house.store.begin() as tx:
            await boxes.activate(self.house, tx, f"S-{number}", on=on, actor=ACTOR)
        if is_new:
            self.paper.begin(await self._heard(number, on=on), number, on)

    async def _prove(self, number: int) -> None:
        """It proves itself where it is now; or one learns of a proof from where it was before."""
        box = await self.box(number)
        is_there = self.dice.random() < 0.7
        others = [one for one in self.services.values() if one != box.service]
        service = box.service if is_there else self.dice.choice(others)
        assert service is not None
        await self._say_proven(box, service)
        await activate_proven(self.house)
        after = await self.box(number)
        if is_there and box.state is not ResourceState.ACTIVE:
            assert after.state is ResourceState.ACTIVE
            key = await self._heard(number, on=self.today)
            self.paper.begin(key, number, self.today)
        else:
            assert after == box

    async def _say_proven(self, box: Resource, service: ServiceId) -> None:
        self.proofs += 1
        proven = BoxProven(
            resource=box.id,
            service=service,
            target=TargetName("boxes"),
            revision=self.proofs,
            state=ServiceState.ACTIVE,
        )
        at = self.house.clock.machine_now()
        entry = Entry(
            id=f"proof-{self.proofs}",
            kind=BoxProven.KIND,
            key=service,
            value=proven.encode(),
            at=at,
        )
        async with self.house.store.begin() as tx:
            await log.append(tx, [entry])

    async def _swap(self, key: str, number: int) -> None:
        """Put a box of the stock in another's place, where there is one."""
        del key
        paper = self.paper
        free = [each for each in BOXES if paper.place(each) == "in stock"]
        if not free:
            return
        other = self.dice.choice(free)
        on = self._day(number, other)
        await self._restock(other)
        async with self.house.store.begin() as tx:
            await boxes.swap(
                self.house,
                tx,
                f"S-{number}",
                f"S-{other}",
                by=By(actor=ACTOR),
                on=on,
                back=Back(condition=Condition.DAMAGED),
            )
        paper.at[other] = paper.at.pop(number)
        key = await self._heard(number, other, on=on)
        if one := paper.running(number):
            one.box = other
        elif paper.starts is Starts.HAND_OVER:
            paper.begin(key, other, on)

    async def _come_back(self, number: int, on: date, condition: Condition | None) -> None:
        """Take a box back over the counter; a lost one may be noted as found instead."""
        is_found = number in self.paper.lost and self.dice.random() < 0.5
        async with self.house.store.begin() as tx:
            story = stock.find if is_found else boxes.take_back
            await story(
                self.house, tx, f"S-{number}", on=on, back=Back(condition=condition), actor=ACTOR
            )
        await self._heard(number, on=on)
        self.paper.end(number, on, "damaged" if condition == "damaged" else "returned")
        self.paper.lost.discard(number)
        del self.paper.at[number]

    async def _lose(self, number: int, on: date) -> None:
        async with self.house.store.begin() as tx:
            await stock.lose(self.house, tx, f"S-{number}", on=on, actor=ACTOR)
        await self._heard(number, on=on)
        self.paper.end(number, on, "lost")
        self.paper.lost.add(number)

    async def _restock(self, number: int) -> None:
        async with self.house.store.begin() as tx:
            await stock.restock(self.house, tx, f"S-{number}", actor=ACTOR)

    async def _heard(self, *numbers: int, on: date) -> str:
        """Remember the fact that a move has told, and its day; returns under which id."""
        self.paper.last_on |= dict.fromkeys(numbers, on)
        query = select(log_entry.c.id, log_entry.c.value)
        query = query.where(log_entry.c.kind == PossessionChanged.KIND)
        async with self.house.store.read() as tx:
            rows = await tx.rows(query.order_by(log_entry.c.position))
        assert len(rows) == len(self.told) + 1, "one move, one fact"
        self.told.append((rows[-1].id, PossessionChanged.decode(rows[-1].value)))
        return str(rows[-1].id)


async def check_holders(life: CounterLife) -> None:
    """Check that the inventory knows who has which box, as it stands on paper."""
    contracts = {service: contract for contract, service in life.services.items()}
    async with life.house.store.read() as tx:
        known = await inventory.by_serial(tx, [f"S-{number}" for number in BOXES])
    for number in BOXES:
        box = known[f"S-{number}"]
        assert contracts.get(box.service or ServiceId("")) == life.paper.at.get(number)
        assert box.is_held == (life.paper.place(number) == "out")


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # A shorter example would cost more minutes than it is worth.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(starts=st.sampled_from(Starts), seed=st.integers(0, 2**32))
async def test_each_day_in_a_households_hands_is_paid_once(
    sqlite_template: Path, tmp_path_factory, starts, seed
):
    """Given, activated by hand or by proof, swapped, lost, found, damaged: the days paid for are
    those of possession, and deposits and fees are those of the boxes out there.
    """
    folder = tmp_path_factory.mktemp("counter")
    machine = FakeMachine(START)
    with scratch(sqlite_template, folder) as copy:
        paths = Settings(data_dir=folder, database_url=copy("boxes.db"))
        # Time is the office's: what moves it moves the whole house.
        async with closing(build(paths, machine_now=lambda: office.now)) as house:
            office = Office(store=house.store, desk=house.desk, machine=machine)
            office.now = START
            life = CounterLife(house, office, starts, seed)
            await office.publish()
            await life.begin()
            for _ in range(ACTS):
                await life.act()
            await life.settle()
            await check_days(life)
            await check_money(life)
            await check_holders(life)
            await check_books(house.store)
