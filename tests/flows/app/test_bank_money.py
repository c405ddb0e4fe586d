"""A provider whose messages bring several events and say no amounts, in the running product."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.desk import signup
from app.desk.signup import Household
from billing.flows.providers import configure
from billing.flows.signup import MethodRef
from billing.payments.model import AttemptState
from tests.conformance.harness_gocardless import GocardlessHarness
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work, serving
from tests.flows.app.shop import ACTOR, LOOK_EVERY_S, WITHIN_S, Shop, opened, settings_for
from tests.simulators.process import RunningSimulator

NAME = "debits"
UNKNOWN = AttemptState.UNKNOWN


async def until(shop: Shop, is_so: Callable[[Any], bool]) -> None:
    """Wait until something is so of household 1."""
    async with asyncio.timeout(WITHIN_S):
        while not is_so(await shop.view(1)):  # noqa: ASYNC110 - the database tells no events
            await asyncio.sleep(LOOK_EVERY_S)


async def states(shop: Shop) -> list[AttemptState]:
    """How the tries to collect of household 1 stand."""
    return [one.state for one in (await shop.view(1)).attempts]


async def deliver(shop: Shop, bank: GocardlessHarness, *bodies: bytes) -> None:
    """Have messages signed by the collector and delivered at the web's door."""
    async with serving(shop.house) as served:
        for body in bodies:
            headers = dict(bank.sign(body, datetime.now(UTC)))
            path = f"/hooks/payments/{NAME}"
            assert (await served.raw("POST", path, data=body, headers=headers))[0] == 200


@pytest.fixture
def bank() -> Iterator[GocardlessHarness]:
    """Return a collector with nothing in it."""
    made = GocardlessHarness()
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def shop(
    migrated_url: str,
    tmp_path: Path,
    portal: RunningSimulator,
    provider: RunningSimulator,
    bank: GocardlessHarness,
) -> AsyncIterator[Shop]:
    """Return a shop whose first household pays by bank debit, once on each database."""
    async with opened(settings_for(tmp_path, migrated_url)) as house:
        shop = Shop(house, portal, provider)
        await shop.begin(tmp_path / "operator")
        payer = await bank.payer("EUR")
        household = Household(
            contract=contract_of(1),
            name="One",
            plan="BASIC",
            addons=(),
            payment=MethodRef(provider=NAME, customer=payer.customer, method=payer.method),
        )
        async with house.store.begin() as tx:
            await configure(tx, house.sealer, NAME, "gocardless", bank.options(8.0))
        await house.refresh_providers()
        async with house.store.begin() as tx:
            await signup.sign_up(house, tx, household, ACTOR)
        yield shop


async def test_a_bank_debit_is_paid_once_its_message_is_completed(
    shop: Shop, bank: GocardlessHarness
):
    """Its message comes, the amount is asked for, twice where that is refused; then it is paid."""
    async with at_work(shop.house):
        await until(shop, lambda view: [one.state for one in view.attempts] == [UNKNOWN])
        assert (await shop.view(1)).owed.amount_minor > 0
        (payment,) = (await bank.call("/payments"))["payments"]
        heard = len(await bank.messages())
        await bank.decide(payment["id"], "ok")
        await bank.admin("/faults", {"spec": "throttled:1:match=GET /payments:count=1"})
        messages = (await bank.messages())[heard:]
        await deliver(shop, bank, *messages, messages[-1])
        await until(shop, lambda view: not view.owed.amount_minor)
        assert await states(shop) == [AttemptState.CLEARED]
        await shop.rest()
    assert (await bank.admin("/counters"))["faults"] == {"throttled": 1}
