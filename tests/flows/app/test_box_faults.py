"""Whatever is wrong with a box: who has paid watches, who has not does not, the books are the same.

One run for each kind of box. Each fault hits the boxes of two households: one pays while it is in
force, the other one does not pay.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.sdk import Linked
from simulators.faults import CONNECTION, CWMP, CWMP_MODES, DATAGRAM, FAULTS, MODES, WEBHOOK
from tests.flows.app.district import District, district, open_to_boxes, until
from tests.flows.app.shop import BAD, GOOD
from tests.flows.app.troubles import EXCUSED, TROUBLES, Trouble
from tests.flows.billing.books import check_books
from tests.simulators.process import RunningSimulator

MONTH, WEEK = timedelta(days=31), timedelta(days=7)
TOLD = timedelta(days=3)  # the ladder's first notice
MONEY = ("settle", "collect", "intake", "compose")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two households whose boxes have one trouble; None has none."""

    trouble: Trouble | None
    payer: int
    debtor: int

    @property
    def is_mode(self) -> bool:
        """Whether its trouble is a condition, of which a simulator has one of a name."""
        return self.trouble is not None and self.trouble.name in MODES

    @property
    def strikes_calls(self) -> bool:
        """Whether its trouble is counted whenever it strikes."""
        return self.trouble is not None and self.trouble.name not in MODES | CWMP_MODES | {"slow"}


class Quarter:
    """The households of one run."""

    def __init__(self, made: District, kind: str) -> None:
        self.district = made
        self.kind = kind
        troubles = (None, *TROUBLES[kind])
        self.pairs = [
            Pair(trouble=one, payer=2 * n + 1, debtor=2 * n + 2) for n, one in enumerate(troubles)
        ]
        self.payers = {pair.payer for pair in self.pairs}
        self.debtors = {pair.debtor for pair in self.pairs}

    def serial(self, number: int) -> str:
        """Tell the box of a household."""
        return self.district.serials[self.kind][number - 1]

    async def move_in(self) -> None:
        """Sign everybody up, with a box each."""
        numbers = sorted(self.payers | self.debtors)
        await self.district.move_in({number: [self.serial(number)] for number in numbers})

    async def live_until_payers_are_dark(self) -> None:
        """Let everybody watch; a month and a week later the payers owe something and are dark."""
        await self.district.come_to_rest()
        await self.is_as_wished(lit=self.payers | self.debtors)
        await self.use_cards(self.payers, BAD)
        await self.month_and_week()
        await self.portals_are(lit=self.debtors)
        await self.is_as_wished(lit=self.debtors)

    async def hurt(self) -> None:
        """Let every trouble be in force."""
        other = self.serial(self.pairs[0].payer)
        struck = [pair for pair in self.pairs if not pair.is_mode]
        calls = [spec for pair in struck for spec in self._told(pair, other)]
        modes = [
            f"{first}|{second.rpartition('match=')[2]}"
            for pair in self.pairs
            if pair.is_mode
            for first, second in [self._told(pair, other)]
        ]
        spec = ";".join([*calls, *modes])
        await self.district.racks[self.kind].aadmin("/faults", {"spec": spec})
        # What strikes a connection would miss one that is kept open.
        opened = await self.district.house.targets.open(self.kind)
        assert isinstance(opened.adapter, Linked)
        await opened.adapter.drop()

    def _told(self, pair: Pair, other: str) -> list[str]:
        """Word a trouble for both boxes."""
        one, numbers = pair.trouble, (pair.payer, pair.debtor)
        return [one.told(self.serial(number), other) for number in numbers] if one else []

    async def pay_and_owe(self) -> None:
        """The payers pay; a month and a week later the debtors have not paid. Portals know it."""
        await self.use_cards(self.payers, GOOD)
        for number in sorted(self.payers):
            await self.district.pay_debt(number, f"cash {number}")
        await self.portals_are(lit=self.payers | self.debtors)
        await self.use_cards(self.debtors, BAD)
        await self.month_and_week()
        await self.portals_are(lit=self.payers)

    async def month_and_week(self) -> None:
        """Let the next invoices come and whoever cannot pay them be suspended."""
        for step in (MONTH, TOLD, WEEK):
            await self.district.advance(step)
            await self.district.come_to_rest(*MONEY)

    async def use_cards(self, numbers: set[int], behaviour: str) -> None:
        """From now on the cards of these households are good or bad."""
        for number in sorted(numbers):
            await self.district.use_card(number, behaviour)

    async def portals_are(self, *, lit: set[int]) -> None:
        """Wait until the portal lets in exactly these households."""

        async def are_so() -> bool:
            return {n for n, on in (await self.district.portals()).items() if on} == lit

        await until(are_so, f"the portal lets in {sorted(lit)} alone")

    async def have_all_struck(self) -> None:
        """Wait until every box was tried, and each fault that strikes calls has struck both."""
        names = (one.trouble.name for one in self.pairs if one.trouble and one.strikes_calls)
        wanted = Counter(names)

        async def have_struck() -> bool:
            struck = (await self.district.racks[self.kind].aadmin("/counters"))["faults"]
            if any(struck.get(name, 0) < 2 * pairs for name, pairs in wanted.items()):
                return False
            is_told = self.persons().keys() <= (await self.district.parked()).keys()
            return is_told and not await self.district.untried()

        await until(have_struck, f"all of {wanted} strike")

    async def heal(self) -> None:
        """Let every trouble be over."""
        await self.district.racks[self.kind].aadmin("/faults", {"clear": True})
        for pair in self.pairs:
            if pair.trouble and pair.trouble.ends:
                for number in (pair.payer, pair.debtor):
                    await self.district.tamper(self.serial(number), pair.trouble.ends)

    def persons(self) -> dict[str, str]:
        """List the boxes that somebody has to look after, with the words that say so."""
        return {
            self.serial(number): pair.trouble.person
            for pair in self.pairs
            if pair.trouble and pair.trouble.person
            for number in (pair.payer, pair.debtor)
        }

    async def ask_persons(self) -> None:
        """Have a person look after what was set aside, which is told, and nothing else is."""
        wanted = self.persons()

        async def are_left() -> bool:
            return set(await self.district.unproven()) <= wanted.keys()

        await until(are_left, "all others are seen to hold their wish")
        parked = await self.district.parked()
        assert parked.keys() == wanted.keys()
        for serial, words in wanted.items():
            assert words in parked[serial]
        await self.district.release(wanted)

    async def is_as_wished(self, *, lit: set[int]) -> None:
        """Wait until all is proven; the boxes of exactly these households are on."""
        await until(self.district.is_proven, "every wish is seen to be held")
        pictures = await self.district.pictures()
        assert {serial for serial, on in pictures.items() if on} == {self.serial(n) for n in lit}
        assert await self.district.packages() == {("basic", "sport")}

    async def check_money(self) -> None:
        """Check that nobody paid, owes or was asked for more than those whose box had nothing."""
        paid = await self.money(self.pairs[0].payer)
        owed = await self.money(self.pairs[0].debtor)
        for pair in self.pairs:
            assert await self.money(pair.payer) == paid, pair
            assert await self.money(pair.debtor) == owed, pair
        await check_books(self.district.house.store)

    async def money(self, number: int) -> Any:
        """Tell of all money of a household, without the numbers that no two have alike."""
        view = await self.district.view(number)
        invoices = [(one.issued_on, one.total, one.open, len(one.lines)) for one in view.invoices]
        rentals = [replace(one, id="", serial="") for one in view.rentals]
        payments = [(one.kind, one.amount) for one in view.payments]
        attempts = [(one.n, one.amount, one.state) for one in view.attempts]
        return invoices, rentals, payments, attempts, view.owed, view.credit


@pytest.mark.parametrize("kind", TROUBLES)
def test_every_fault_is_met_or_excused(kind: str):
    """No fault that the boxes of a kind can have is left out without a reason."""
    own = {
        "ssh": CONNECTION,
        "snmp": DATAGRAM | {"half_set", "read_only", "wrong_request_id", "null_forgery"},
        "cwmp": CWMP | CWMP_MODES,
    }
    own["snmp"] |= {"endless_walk", "too_big", "odd_values"}
    shared = set(FAULTS) - WEBHOOK - set().union(*own.values())
    if kind == "cwmp":
        shared &= {"down", "slow", "skew", "crash", "loss"}
    met = {one.name for one in TROUBLES[kind]}
    assert met | EXCUSED[kind].keys() == own[kind] | shared
    assert not met & EXCUSED[kind].keys()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("kind", "migrated_url"),
    [("ssh", "sqlite"), ("snmp", "postgres"), ("cwmp", "sqlite")],
    indirect=["migrated_url"],
)
async def test_paid_watches_and_unpaid_does_not(
    kind: str,
    migrated_url: str,
    tmp_path: Path,
    portal: RunningSimulator,
    provider: RunningSimulator,
):
    """Portals follow at once, boxes when the fault is over; money is that of a box without one."""
    counts = {kind: 2 * len(TROUBLES[kind]) + 2}
    async with district(tmp_path, migrated_url, portal, provider, counts) as made:
        quarter = Quarter(made, kind)
        await quarter.move_in()
        async with open_to_boxes(made.house):
            await quarter.live_until_payers_are_dark()
            await quarter.hurt()
            await quarter.pay_and_owe()
            await quarter.have_all_struck()
            await quarter.heal()
            await made.hurry()
            await quarter.ask_persons()
            await quarter.is_as_wished(lit=quarter.payers)
            await quarter.check_money()
