"""A page to pay on is for what is owed, and takes nothing once something else is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from sqlalchemy import select

from app.desk import methods, paying, wallet
from app.roles.polling import Polls
from billing.flows.replay import mark_lost
from billing.payments.pages import pay_page
from runtime.work import work
from terms.money import Money
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work
from tests.flows.app.shop import Shop, opened, settings_for
from tests.flows.app.simulated import portal, provider, running_portal, running_provider

__all__ = ["portal", "provider", "running_portal", "running_provider"]

CONTRACT = contract_of(1)
CARD = {"card": "4242424242424242"}
PART = Money(100, "EUR")


@pytest.fixture
async def shop(migrated_url, tmp_path, portal, provider):
    """A household that owes its first month; nobody works."""
    async with opened(settings_for(tmp_path / "data", migrated_url)) as house:
        found = Shop(house, portal, provider)
        await found.begin(tmp_path / "operator")
        await found.sign_up(1)
        await rest(found)
        yield found


async def rest(shop: Shop) -> None:
    """Do what there is to do."""
    async with at_work(shop.house):
        await shop.rest()


async def link(shop: Shop) -> str:
    """Ask for a page to pay what is owed."""
    return (await paying.pay_link(shop.house, CONTRACT)).url


async def submit(url: str) -> int:
    """Pay on a page; returns what its answer is."""
    async with (
        ClientSession() as session,
        session.post(url, data=CARD, allow_redirects=False) as answer,
    ):
        return answer.status


async def pages(shop: Shop) -> list[str]:
    """How the pages stand at the provider, the oldest first."""
    return [one["status"] for one in (await shop.provider.aadmin("/state"))["sessions"]]


async def taken(shop: Shop) -> list[int]:
    """What the provider has taken, in cents."""
    found = (await shop.provider.aadmin("/state"))["payment_intents"]
    return [one["amount"] for one in found if one["status"] == "succeeded"]


async def kept(shop: Shop) -> list[bool]:
    """Tell of each page that we know of whether it is to be closed."""
    async with shop.house.store.read() as tx:
        return [row.is_closing for row in await tx.rows(select(pay_page).order_by(pay_page.c.id))]


async def test_who_asks_again_pays_on_the_same_page_and_once(shop):
    """In two tabs, at once or one after the other, it is one page; paid, it is forgotten."""
    owed = (await shop.view(1)).owed.amount_minor
    urls = {*await asyncio.gather(*(link(shop) for _ in range(3))), await link(shop)}
    await rest(shop)
    urls.add(await link(shop))
    assert len(urls) == 1
    (url,) = urls
    for _ in range(2):
        assert await submit(url) == 303
    assert await link(shop) == url  # we have not heard of it yet
    assert await taken(shop) == [owed]
    await Polls(shop.house).look()
    await rest(shop)
    view = await shop.view(1)
    assert (view.owed.amount_minor, view.credit.amount_minor) == (0, 0)
    assert await kept(shop) == []


async def test_what_is_paid_in_cash_is_not_paid_on_a_page_that_is_open(shop):
    """A part leaves another page for the rest, all of it none; other pages stay as they are."""
    first = await link(shop)
    await wallet.top_up_link(shop.house, CONTRACT, "5.00")
    await methods.setup_link(shop.house, CONTRACT)
    await shop.pay(1, PART, "R-1")
    await rest(shop)
    assert await pages(shop) == ["expired", "open", "open"]
    assert await submit(first) == 410
    second = await link(shop)
    assert second != first
    await shop.pay_debt(1, "R-2")
    await rest(shop)
    assert await pages(shop) == ["expired", "open", "open", "expired"]
    assert await submit(second) == 410
    assert await taken(shop) == []
    assert await kept(shop) == []


async def test_a_page_is_closed_though_the_provider_fails_or_its_answer_is_lost(shop):
    """It is not handed out meanwhile, and closed once by whichever try gets through."""
    first = await link(shop)
    await shop.pay(1, PART, "R-1")
    for fault, stands in (("error:500", "open"), ("lost", "expired")):
        await shop.provider.aadmin("/faults", {"spec": f"{fault}:count=1:match=expire"})
        async with shop.house.store.begin() as tx:
            await tx.execute(work.delete().where(work.c.kind == "page"))
            await mark_lost(shop.house.desk, tx, "page")
        await rest(shop)
        assert (await pages(shop), await kept(shop)) == ([stands], [True])
    async with shop.house.store.begin() as tx:
        await tx.execute(work.delete().where(work.c.kind == "page"))
        await mark_lost(shop.house.desk, tx, "page")
    assert await link(shop) != first
    await rest(shop)
    assert (await pages(shop), await kept(shop)) == (["expired", "open"], [False])


async def test_a_page_that_is_nearly_over_gives_way_to_another(shop):
    """Who opens it may need some minutes to pay."""
    first = await link(shop)
    async with shop.house.store.begin() as tx:
        soon = shop.house.clock.machine_now() + timedelta(minutes=9)
        await tx.execute(pay_page.update().values(expires_at=soon))
    assert await link(shop) != first
    await rest(shop)
    assert (await pages(shop), await kept(shop)) == (["expired", "open"], [False])
