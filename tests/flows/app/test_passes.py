"""What is bought once, through the whole house: the portal shows it for its window, not longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.desk import selling
from billing.flows.purchase import Order
from billing.reads.purchases import PurchaseState, PurchaseView
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work
from tests.flows.app.shop import ACTOR, Shop, opened, settings_for
from tests.simulators.process import RunningSimulator

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def lit(
    tmp_path: Path,
    migrated_url: str,
    portal: RunningSimulator,
    provider: RunningSimulator,
) -> AsyncIterator[Shop]:
    """Return a shop at work with one household that has paid and watches, on each database."""
    async with opened(settings_for(tmp_path, migrated_url)) as house:
        shop = Shop(house, portal, provider)
        await shop.begin(tmp_path / "operator")
        async with at_work(house):
            await shop.sign_up(1, bill_day=1)
            await shop.rest()
            await shop.pay_debt(1, "first")
            await shop.rest()
            yield shop


async def sell(shop: Shop, ref: str) -> PurchaseView:
    """Sell household 1 the sport pack for two days."""
    order = Order(offering="PASS", source="portal", ref=ref)
    async with shop.house.store.begin() as tx:
        return await selling.sell(shop.house, tx, contract_of(1), order, ACTOR)


async def packages(shop: Shop) -> list[str]:
    """Return what the portal itself says household 1 has besides its tariff."""
    account = await shop.at_portal(1)
    assert account is not None
    assert account["status"] == 1
    return list(account["subscribed"])


async def test_a_pass_is_on_the_portal_for_its_window_and_goes_by_itself(lit: Shop):
    """Bought, it is on; a minute before its end too; at its end it is off, and nobody did it."""
    sold = await sell(lit, "1")
    assert sold.state is PurchaseState.OPEN
    assert sold.until_at is not None
    await lit.rest()
    assert await packages(lit) == ["sport"]
    async with lit.house.store.read() as tx:
        now = await lit.house.clock.business_now(tx)
    await lit.advance(sold.until_at - now - MINUTE)
    await lit.rest()
    assert await packages(lit) == ["sport"]
    await lit.advance(MINUTE)
    await lit.rest()
    assert await packages(lit) == []
    await lit.advance(timedelta(days=31))
    await lit.rest()
    view = await lit.view(1)
    labels = [line.label for one in view.invoices for line in one.lines]
    assert labels.count("Sport for two days") == 1


async def test_taken_back_it_goes_at_once_and_is_never_billed(lit: Shop):
    """A pass that nobody has used goes off at the portal when it is taken back."""
    sold = await sell(lit, "1")
    await lit.rest()
    assert await packages(lit) == ["sport"]
    async with lit.house.store.begin() as tx:
        taken = await selling.give_back(lit.house, tx, sold.id, ACTOR)
    assert taken.state is PurchaseState.GIVEN_BACK
    await lit.rest()
    assert await packages(lit) == []
    await lit.advance(timedelta(days=31))
    await lit.rest()
    view = await lit.view(1)
    assert "Sport for two days" not in [line.label for one in view.invoices for line in one.lines]
