"""Random moves of boxes on a moved clock: what is paid and held is what is in people's hands."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import and_, select

from billing.equipment.model import Starts
from billing.flows.equip import equip
from billing.flows.pay import take_cash
from billing.flows.publish import Publication
from billing.flows.release import release_deposit
from billing.flows.settle import settle
from billing.invoicing.store import credit_line, invoice_line
from billing.payments.model import fact_id
from runtime.store import Store
from terms.calendar import local_date, period_containing
from terms.errors import DomainError
from terms.facts import Condition, Possession, PossessionChanged
from terms.ids import AccountId, ResourceId, ServiceId
from terms.money import Money
from tests.fixtures.billing import START, ZONE, Office, household, make_office
from tests.flows.billing.books import balances, check_books, counting
from tests.flows.billing.test_histories import scratch

EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "20"))
BILL_DAYS = {"100001": 31, "100002": 11}
CONTRACTS = tuple(BILL_DAYS)
BOXES = (0, 1, 2)
DEPOSIT, FEE = 3000, 6000
ACTS = 40
WEIGHTS = [12, 4, 3, 3, 1, 2, 1]

# What may be done with a box, by where it is.
MOVES = {
    "in stock": ("hand over",),
    "out": ("activate", "activate", "swap", "return", "return", "lose"),
    "lost": ("find",),
}


@dataclass(slots=True)
class Held:
    """A rental as somebody with paper and pencil would keep it."""

    id: str
    contract: str
    box: int
    start: date
    end: date | None = None
    ending: str = ""
    is_deposit_held: bool | None = None  # None: never charged
    is_fee_due: bool = False
    is_decided: bool = False


@dataclass(slots=True)
class Paper:
    """Where every box is, and the rentals that follow from it by the operator's policy."""

    starts: Starts
    at: dict[int, str] = field(default_factory=dict)  # the contract that holds a box
    lost: set[int] = field(default_factory=set)
    last_on: dict[int, date] = field(default_factory=dict)
    rentals: list[Held] = field(default_factory=list)

    def place(self, number: int) -> str:
        """Say where a box is."""
        if number in self.lost:
            return "lost"
        return "out" if number in self.at else "in stock"

    def running(self, number: int) -> Held | None:
        """Return the rental that runs for a box."""
        return next((r for r in self.rentals if r.box == number and r.end is None), None)

    def begin(self, key: str, number: int, on: date) -> None:
        """Begin a rental, where none runs."""
        if self.running(number) is None:
            self.rentals.append(Held(fact_id("rental", key), self.at[number], number, on))

    def end(self, number: int, on: date, ending: str) -> None:
        """End the rental of a box, or change how it has ended."""
        for one in self.rentals:
            if one.box == number and (one.end is None or one.ending == "lost"):
                one.end, one.ending = one.end or on, ending

    def settled(self) -> None:
        """Charge and release what a settle charges and releases."""
        for one in self.rentals:
            if one.end is None and one.is_deposit_held is None:
                one.is_deposit_held = True
            if one.is_deposit_held and (one.ending == "returned" or one.is_decided):
                one.is_deposit_held = False
            one.is_fee_due = one.ending == "lost"


class Life:
    """Boxes on their way, told to billing and kept on paper."""

    def __init__(self, office: Office, starts: Starts, seed: int) -> None:
        self.office = office
        self.dice = random.Random(seed)
        self.paper = Paper(starts)
        self.services: dict[str, ServiceId] = {}
        self.accounts: list[AccountId] = []
        self.told: list[tuple[str, PossessionChanged]] = []

    @property
    def today(self) -> date:
        """The day it is for everybody."""
        return local_date(self.office.now, ZONE)

    async def begin(self) -> None:
        """Sign the households up; their plan costs nothing, so that only boxes do."""
        await self.office.publish(Publication(zone=ZONE, starts=self.paper.starts))
        orders = [
            household(contract, plan="FREE", bill_day=day) for contract, day in BILL_DAYS.items()
        ]
        made = await self.office.sign_up(*orders)
        self.services = {one.contract: one.service for one in made}
        self.accounts = [one.account for one in made]
        await self.settle()

    async def settle(self) -> None:
        """Settle everybody."""
        await self.office.settle(*self.accounts)
        self.paper.settled()

    async def act(self) -> None:
        """Do one thing."""
        dice = self.dice
        match dice.choices(["move", "run", "sleep", "settle", "again", "decide", "cash"], WEIGHTS):
            case ["move"]:
                await self._move(dice.choice(BOXES))
            case ["run"]:
                await self.settle()
                until = self.office.now + timedelta(days=dice.randint(1, 40))
                await self.office.live(self.accounts, until)
                await self.settle()
            case ["sleep"]:
                self.office.now += timedelta(days=dice.randint(1, 40))
            case ["settle"]:
                await self.settle()
            case ["again"] if self.told:
                await self._tell(dice.choice(self.told))
            case ["decide"] if self.paper.rentals:
                await self._decide(dice.choice(self.paper.rentals), dice.randint(0, DEPOSIT))
            case ["cash"]:
                await self._cash(dice.choice(CONTRACTS), dice.randint(1, 9000))

    def _day(self, *numbers: int) -> date:
        """Choose the day of a move, which may be heard of late, but not before the last one."""
        earliest = [self.paper.last_on.get(each, START.date()) for each in numbers]
        heard_late = self.dice.choice([0, 0, 0, 2, 20, 45])
        return max(self.today - timedelta(days=heard_late), *earliest)

    async def _move(self, number: int) -> None:
        """Move a box as its place allows, tell billing, and write it down."""
        paper, key = self.paper, f"fact-{len(self.told)}"
        name = self.dice.choice(MOVES[paper.place(number)])
        condition = self.dice.choice([None, Condition.FAULTY, Condition.SCRAP, Condition.DAMAGED])
        ending = "damaged" if condition in (Condition.SCRAP, Condition.DAMAGED) else "returned"
        on = self._day(number, number)
        if name == "hand over":
            paper.at[number] = self.dice.choice(CONTRACTS)
        told = {
            "hand over": Possession.HANDED_OVER,
            "activate": Possession.ACTIVATED,
            "return": Possession.RETURNED,
            "lose": Possession.LOST,
            "find": Possession.FOUND,
        }
        if name == "swap":
            await self._swap(key, number)
            return
        await self._tell(self._fact(key, told[name], number, on, condition))
        paper.last_on[number] = on
        match name:
            case "hand over" if paper.starts is Starts.HAND_OVER:
                paper.begin(key, number, on)
            case "activate":
                paper.begin(key, number, on)
            case "return" | "find":
                paper.end(number, on, ending)
                paper.lost.discard(number)
                del paper.at[number]
            case "lose":
                paper.end(number, on, "lost")
                paper.lost.add(number)

    async def _swap(self, key: str, number: int) -> None:
        """Put a box of the stock in another's place, where there is one."""
        paper = self.paper
        stock = [each for each in BOXES if paper.place(each) == "in stock"]
        if not stock:
            return
        other = self.dice.choice(stock)
        on = self._day(number, other)
        paper.at[other] = paper.at.pop(number)
        await self._tell(
            self._fact(key, Possession.SWAPPED, other, on, Condition.DAMAGED, old=number)
        )
        if one := paper.running(number):
            one.box = other
        paper.last_on |= {number: on, other: on}

    def _fact(
        self, key: str, kind: Possession, number: int, on: date, condition=None, old=None
    ) -> tuple[str, PossessionChanged]:
        changed = PossessionChanged(
            kind=kind,
            resource=ResourceId(f"R-{number}"),
            service=self.services[self.paper.at[number]],
            serial=f"S-{number}",
            model="RB-1" if number else "RB-2",
            on=on,
            old_resource=None if old is None else ResourceId(f"R-{old}"),
            condition=condition,
        )
        self.told.append((key, changed))
        return key, changed

    async def _tell(self, fact: tuple[str, PossessionChanged]) -> None:
        async with self.office.store.begin() as tx:
            await equip(self.office.desk, tx, [fact])

    async def _decide(self, one: Held, keep: int) -> None:
        with suppress(DomainError):
            async with self.office.store.begin() as tx:
                await release_deposit(self.office.desk, tx, one.id, keep_minor=keep)
            assert one.ending in ("damaged", "lost")
            one.is_decided = True

    async def _cash(self, contract: str, amount: int) -> None:
        office = self.office
        async with office.store.begin() as tx:
            paid = Money(amount, "EUR")
            reference = f"R-{contract}-{office.now}"
            with suppress(DomainError):
                await take_cash(
                    office.desk, tx, contract, office.now, amount=paid, reference=reference
                )


def days(start: date, end: date) -> Iterator[date]:
    """List days from a day up to, not including, another."""
    return (start + timedelta(days=n) for n in range((end - start).days))


async def check_days(life: Life) -> None:
    """Check that each rental has paid exactly its days, each once."""
    c, line = credit_line.c, invoice_line.c
    charged = and_(c.invoice_id == line.invoice_id, c.invoice_n == line.n)
    query = (
        select(line.subject, line.period_start, line.period_end, c.period_start.label("back_from"))
        .select_from(invoice_line.outerjoin(credit_line, charged))
        .where(line.kind == "rental")
    )
    paid: dict[str, Counter[date]] = {}
    async with life.office.store.read() as tx:
        for row in await tx.rows(query):
            mine = paid.setdefault(row.subject, Counter())
            mine.update(days(row.period_start, row.back_from or row.period_end))
    for one in life.paper.rentals:
        until = one.end or period_containing(life.today, BILL_DAYS[one.contract]).end
        assert paid.pop(one.id, Counter()) == Counter(days(one.start, until)), one
    assert paid == {}


async def check_money(life: Life) -> None:
    """Check that deposits held and fees asked for are those of the boxes out there."""
    rentals = life.paper.rentals
    held: Counter[AccountId] = Counter()
    for one in rentals:
        held[life.accounts[CONTRACTS.index(one.contract)]] += DEPOSIT if one.is_deposit_held else 0
    sums = await balances(life.office.store)
    assert {p: -v for (b, p, _), v in sums.items() if b == "deposit"} == dict(+held)
    c, line = credit_line.c, invoice_line.c
    charged = and_(c.invoice_id == line.invoice_id, c.invoice_n == line.n)
    query = select(line.subject, line.amount_minor).select_from(
        invoice_line.outerjoin(credit_line, charged)
    )
    async with life.office.store.read() as tx:
        fees = await tx.rows(query.where(line.kind == "lost_fee", c.note_id.is_(None)))
    assert {row.subject: row.amount_minor for row in fees} == {
        one.id: FEE for one in rentals if one.is_fee_due
    }


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # A shorter example would cost more minutes than it is worth.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(starts=st.sampled_from(Starts), seed=st.integers(0, 2**32))
async def test_paid_days_are_the_days_of_possession(
    sqlite_template, tmp_path_factory, machine, starts, seed
):
    """Whatever happens to boxes, each day of possession is paid once, no other day is, and the
    deposits held are those of the rentals that run or wait for somebody.
    """
    with scratch(sqlite_template, tmp_path_factory.mktemp("boxes")) as copy:
        store = Store(copy("boxes.db"))
        try:
            office = make_office(store, machine)
            await office.publish()
            life = Life(office, starts, seed)
            await life.begin()
            for _ in range(ACTS):
                await life.act()
            await life.settle()
            await check_days(life)
            await check_money(life)
            await check_books(store)
            async with counting(store) as (tx, counted):
                await settle(office.desk, tx, life.accounts, office.now)
            assert counted.writes == []
        finally:
            await store.close()
