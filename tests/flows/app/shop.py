"""The whole product in this process, beside a simulated portal and a simulated provider.

Built by the composition root as `serve` builds it; acted on by the stories of the desk.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.desk import boxes, clock, contracts, paying, signup
from app.desk.boxes import Back
from app.desk.signup import Household
from app.imports.load import import_paths
from app.settings import Settings
from app.wiring import House, build, closing
from billing.catalog.terms import When
from billing.flows.change import Change
from billing.flows.signup import MethodRef, SignedUp
from billing.reads import account
from billing.reads.account import AccountView
from gateway.inventory.flows import NewBox
from gateway.reads import queue
from terms.facts import Condition
from terms.money import Money
from tests.flows.app.operator import (
    PROVIDER,
    contract_of,
    customer_of,
    mac_of,
    method_of,
    secrets,
    write_operator,
)
from tests.simulators.process import RunningSimulator

ACTOR = "test"
# Far ahead, so that no day of a test depends on the day it runs.
START = datetime(2040, 1, 10, 9, 0, tzinfo=UTC)
LOOK_EVERY_S = 0.02
WITHIN_S = 60.0  # on a machine with better things to do
GOOD, BAD = "ok", "decline:insufficient_funds"


def settings_for(folder: Path, database_url: str) -> Settings:
    """Return settings with short pauses, so that nobody waits for a sweep."""
    return Settings(
        data_dir=folder,
        database_url=database_url,
        allow_time_travel=True,
        sweep_s=0.2,
        log_level="warning",
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[House]:
    """Build a house on a migrated database and open its payment providers."""
    async with closing(build(settings)) as house:
        await house.refresh_providers()
        yield house


class Shop:
    """An operator's desk in a house, and the two systems it talks to."""

    def __init__(self, house: House, portal: RunningSimulator, provider: RunningSimulator) -> None:
        self.house = house
        self.portal = portal
        self.provider = provider

    async def begin(self, folder: Path) -> None:
        """Import the operator; business time is then START."""
        written = write_operator(folder)
        environment = secrets(self.portal.url, self.provider.url)
        outcome = await import_paths(self.house, [written], environment)
        assert outcome.taken, outcome.problems
        async with self.house.store.read() as tx:
            business_now = await self.house.clock.business_now(tx)
        await self.advance(START - business_now)

    async def sign_up(
        self,
        number: int,
        *,
        plan: str = "BASIC",
        addons: Sequence[str] = (),
        bill_day: int | None = None,
        has_card: bool = False,
    ) -> SignedUp:
        """Sign household `number` up with a box; one that has a card is charged by itself."""
        household = Household(
            contract=contract_of(number),
            name=f"Household {number}",
            plan=plan,
            addons=tuple(addons),
            bill_day=bill_day,
            box=NewBox(serial=f"SN{number:06}", mac=mac_of(number), model="M1"),
            payment=card_of(number) if has_card else None,
        )
        async with self.house.store.begin() as tx:
            return await signup.sign_up(self.house, tx, household, ACTOR)

    async def use_card(self, number: int, behaviour: str) -> None:
        """From now on the card of a household behaves like that."""
        rule = {"op": "card", "customer": customer_of(number), "behaviour": behaviour}
        await self.provider.aadmin("/tamper", rule)

    async def pay(self, number: int, amount: Money, reference: str) -> None:
        """Take cash."""
        async with self.house.store.begin() as tx:
            await paying.take_cash(
                self.house,
                tx,
                contract_of(number),
                amount=amount,
                reference=reference,
                actor=ACTOR,
            )

    async def pay_debt(self, number: int, reference: str) -> bool:
        """Take cash for all that a household owes; False where it owes nothing."""
        owed = (await self.view(number)).owed
        if owed.amount_minor:
            await self.pay(number, owed, reference)
        return owed.amount_minor > 0

    async def change(self, number: int, wish: Change) -> None:
        """Change plan or add-ons."""
        async with self.house.store.begin() as tx:
            await contracts.change(self.house, tx, contract_of(number), wish, ACTOR)

    async def cancel(self, number: int, when: When) -> None:
        """End a contract."""
        async with self.house.store.begin() as tx:
            await contracts.cancel(self.house, tx, contract_of(number), when, ACTOR)

    async def take_back(self, number: int, condition: Condition) -> None:
        """Take the box of a household back."""
        async with self.house.store.begin() as tx:
            serial = f"SN{number:06}"
            await boxes.take_back(
                self.house, tx, serial, actor=ACTOR, back=Back(condition=condition)
            )

    async def advance(self, by: timedelta) -> None:
        """Move business time."""
        async with self.house.store.begin() as tx:
            await clock.advance(self.house, tx, by, actor=ACTOR)

    async def view(self, number: int) -> AccountView:
        """What billing knows of a household."""
        return await self.view_of(contract_of(number))

    async def view_of(self, contract: str) -> AccountView:
        """What billing knows of the household of a contract."""
        async with self.house.store.read() as tx:
            return await account.view(tx, contract)

    async def rest(self, *kinds: str) -> None:
        """Wait until nothing of these kinds, or of any, is due or in hand. None may be parked."""
        await self.come_to_rest(*kinds)
        async with self.house.store.read() as tx:
            parked = await queue.parked(tx, rows_max=10)
        assert not parked, parked

    async def come_to_rest(self, *kinds: str) -> None:
        """Wait until nothing of these kinds, or of any, is due or in hand."""
        async with asyncio.timeout(WITHIN_S):
            while not await self._is_idle(kinds):  # noqa: ASYNC110 - the database tells no events
                await asyncio.sleep(LOOK_EVERY_S)

    async def at_portal(self, number: int) -> dict[str, Any] | None:
        """The portal's own row of a household."""
        path = f"/state?account_number={contract_of(number)}"
        accounts: list[dict[str, Any]] = (await self.portal.aadmin(path))["accounts"]
        assert len(accounts) <= 1
        return accounts[0] if accounts else None

    async def writes(self, after: int = 0) -> list[dict[str, Any]]:
        """What calls of the product changed at the portal, in order."""
        path = f"/journal?after={after}&face=api&changed=1&limit=100000"
        entries: list[dict[str, Any]] = (await self.portal.aadmin(path))["entries"]
        return entries

    async def _is_idle(self, kinds: Sequence[str]) -> bool:
        house = self.house
        async with house.store.read() as tx:
            offset = await house.clock.offset(tx)
            found = await queue.queues(tx, now=house.clock.machine_now(), offset=offset)
        wanted = [one for one in found if not kinds or one.kind in kinds]
        return not any(one.due or one.running for one in wanted)


def card_of(number: int) -> MethodRef:
    """Return the card of a household at the provider."""
    return MethodRef(provider=PROVIDER, customer=customer_of(number), method=method_of(number))
