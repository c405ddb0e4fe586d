"""A refund of two as people see it: one asks at the household, another decides under Waits."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from billing.flows.publish import Publication, publish
from billing.payments.refunds import Alone
from terms.money import Money
from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.test_cash import picture
from tests.browser.test_portal import signed_up
from tests.browser.tour import faults
from tests.flows.app.operator import contract_of
from tests.flows.app.shop import Shop

pytestmark = [pytest.mark.browser, ONE_LOOP]

DESK = {"width": 1280, "height": 900}


async def ask(page: Page, url: str, amount: str, why: str) -> None:
    """Ask for a refund of the newest payment, which is owed again."""
    await page.goto(url)
    await page.get_by_text("Give money back", exact=True).click()
    await page.get_by_label("How much, in EUR").fill(amount)
    await page.get_by_label("The invoice is open again").check()
    await page.locator("#refund-why").fill(why)
    await picture(page, f"refund_form_{amount}")
    await page.get_by_role("button", name="Give it back").click()
    await expect(page.get_by_role("status")).to_contain_text("waits for a second person")


async def limited(shop: Shop) -> None:
    """Have one person give back 10.00 alone, and a household that has paid 80.00."""
    await signed_up(shop)
    await shop.pay(1, Money(8000, "EUR"), "B-1208")
    await shop.rest()
    async with shop.house.store.begin() as tx:
        alone = Publication(zone="Europe/Vienna", alone=Alone(up_to_minor={"EUR": 1000}))
        await publish(tx, alone, await shop.house.clock.business_now(tx))


async def test_one_asks_and_another_decides(browser, served, shop):
    """Who asked sees it wait; the second person gives one back and declines the other."""
    await limited(shop)
    first, second = [await browser.new_context(viewport=DESK) for _ in range(2)]
    await enter(first, served)
    await enter(second, served, "cashier")
    page = await first.new_page()
    household = f"{served.url}/console/accounts/{contract_of(1)}"
    await ask(page, household, "25.00", "Two weeks without a picture, promised on the telephone")
    await picture(page, "refund_asked")
    assert await faults(page) == []
    await ask(page, household, "12.50", "He says he has paid twice")
    await page.get_by_role("link", name="waits for a second person").first.click()
    await expect(page.get_by_text("another person decides").first).to_be_visible()
    await picture(page, "refund_waits_own")
    assert await faults(page) == []
    await page.goto(f"{served.url}/console/")
    await expect(page.get_by_role("link", name="2 refunds")).to_be_visible()
    await picture(page, "refund_overview")
    theirs = await second.new_page()
    await theirs.goto(f"{served.url}/console/waiting")
    wrong = theirs.locator("li", has_text="12.50 EUR")
    await wrong.get_by_text("Decline").click()
    await picture(theirs, "refund_waits")
    assert await faults(theirs) == []
    await wrong.get_by_label("Why (stays in the history)").fill("Paid once: see his bank")
    await wrong.get_by_role("button", name="Nothing goes back").click()
    await expect(theirs.get_by_role("status")).to_contain_text("is declined")
    await theirs.get_by_role("button", name="Give it back").click()
    await expect(theirs.get_by_role("status")).to_contain_text("is given back")
    await picture(theirs, "refund_decided")
    await page.goto(household)
    await expect(page.get_by_text("declined by Cashier: Paid once")).to_be_visible()
    await picture(page, "refund_history")
    assert await faults(page) == []
    phone = await theirs.context.new_page()
    await phone.set_viewport_size({"width": 390, "height": 844})
    await phone.goto(household)
    assert await faults(phone) == []
    await first.close()
    await second.close()
