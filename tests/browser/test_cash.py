"""The cash desk as people see it: a shift from its float to its report, a receipt, a wallet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.test_portal import come_in, signed_up
from tests.browser.tour import faults
from tests.flows.app.operator import contract_of
from tests.flows.app.served import Served

pytestmark = [pytest.mark.browser, ONE_LOOP]

PICTURES = os.environ.get("BOXOFFICE_TEST_PICTURES", "")


async def picture(page: Page, name: str) -> None:
    """Take a picture where somebody wants to look."""
    if PICTURES:
        await page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


async def test_a_shift_is_opened_used_and_closed(watched, browser, served, shop):
    """Cash goes into the drawer, its receipt is printed, the drawer counted; the rest waits."""
    await signed_up(shop)
    page = watched.page
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/bank")
    await page.get_by_role("link", name="Cash desk").click()
    await page.get_by_text("Set up or change a till").click()
    await page.get_by_label("Name", exact=True).fill("main")
    await page.get_by_label("Where it stands").fill("Front desk")
    await page.get_by_role("button", name="Set it up").click()
    await page.get_by_label("What is in its drawer").fill("100.00")
    await picture(page, "cash_open")
    await page.get_by_role("button", name="Open it").click()
    await expect(page.get_by_role("status")).to_contain_text("Shift main-1 is open")
    await page.goto(f"{served.url}/console/accounts/{contract_of(1)}")
    await page.get_by_text("Take cash", exact=True).click()
    await page.get_by_label("Amount in EUR").fill("80.00")
    await page.get_by_role("button", name="Take the money").click()
    await expect(page.get_by_role("status")).to_contain_text("receipt RCT-00000001")
    await shop.rest()
    await page.get_by_role("link", name="RCT-00000001", exact=True).click()
    await expect(page.get_by_text("Stays as credit")).to_be_visible()
    await page.get_by_role("button", name="Prepare the original").click()
    await picture(page, "cash_receipt")
    assert await faults(page) == []
    await page.goto(f"{served.url}/console/cash")
    await picture(page, "cash_desk")
    assert await faults(page) == []
    await page.get_by_text("Count and close").first.click()
    await page.get_by_label("What is in the drawer").fill("180.00")
    await page.get_by_role("button", name="Count and close").click()
    await expect(page.get_by_role("status")).to_contain_text("it differs by 0.00 EUR")
    await picture(page, "cash_report")
    assert await faults(page) == []
    await wallet(page, browser, served)


async def wallet(page: Page, browser: Browser, served: Served) -> None:
    """See what has paid nothing yet, as staff and as its holder."""
    await page.goto(f"{served.url}/console/accounts/{contract_of(1)}/wallet")
    await picture(page, "wallet_desk")
    assert await faults(page) == []
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    theirs = await come_in(context, served)
    await picture(theirs, "wallet_home")
    await theirs.get_by_role("link", name="Wallet").click()
    await expect(theirs.get_by_role("heading", name="How it came and went")).to_be_visible()
    await picture(theirs, "wallet_portal")
    assert await faults(theirs) == []
    await context.close()
