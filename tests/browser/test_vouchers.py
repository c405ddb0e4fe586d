"""Vouchers as people see them: a batch is made and printed, activated, and pays at the portal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.test_portal import come_in, signed_up
from tests.browser.tour import faults
from tests.flows.app.operator import contract_of

pytestmark = [pytest.mark.browser, ONE_LOOP]

PICTURES = os.environ.get("BOXOFFICE_TEST_PICTURES", "")


async def test_a_batch_is_printed_and_a_card_pays(watched, browser, served, shop):
    """The list can be kept, the page printed; the card's money pays what is owed."""
    await signed_up(shop)
    page = watched.page
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/vouchers")
    await fill_in(page)
    await picture(page, "vouchers_make")
    await page.get_by_role("button", name="Make them").click()
    codes = page.locator("[data-code]")
    await expect(codes).to_have_count(4)
    code = await codes.nth(1).inner_text()
    assert await faults(page) == []
    await picture(page, "vouchers_cards")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="List as CSV").click()
    assert f"SPRING/2,{code},50.00,EUR,2041-12-31" in read(await (await downloading.value).path())
    await page.get_by_role("link", name="Done").click()
    batch = page.get_by_role("region", name="SPRING")
    await batch.get_by_role("button", name="Activate").click()
    await expect(page.get_by_role("status")).to_contain_text("SPRING is active now")
    context = await browser.new_context()
    theirs = await come_in(context, served)
    await theirs.get_by_text("I have a voucher").click()
    await theirs.get_by_label("The code on the card").fill(code.lower().replace("-", " "))
    await picture(theirs, "vouchers_portal")
    await theirs.get_by_role("button", name="Take its money").click()
    await expect(theirs.get_by_role("status")).to_contain_text("The money of the voucher")
    await shop.rest()
    await theirs.reload()
    await expect(theirs.get_by_text("Nothing is owed.")).to_be_visible()
    await context.close()
    await page.goto(f"{served.url}/console/vouchers")
    await expect(batch).to_contain_text("1, 50.00 EUR; owed 46.25 EUR")
    assert await faults(page) == []
    await picture(page, "vouchers")
    await page.goto(f"{served.url}/console/accounts/{contract_of(1)}")
    await page.get_by_text("Voucher", exact=True).click()
    await picture(page, "vouchers_household")
    assert await faults(page) == []
    assert watched.complaints == []


async def fill_in(page: Page) -> None:
    """Fill the form of a batch."""
    await page.get_by_text("New cards").click()
    for label, text in (
        ("Name of the batch", "SPRING"),
        ("What a card is worth", "50,00"),
        ("How many cards, 500 at most; more at the command line", "4"),
        ("Last day on which they are valid", "2041-12-31"),
        ("Dealer", "<b>Kiosk"),
        ("What the dealer keeps, like 7.5%", "7.5%"),
        ("What each code begins with (may be empty)", "kx"),
    ):
        await page.get_by_label(label, exact=True).fill(text)


def read(path: Path) -> str:
    """Read what was downloaded."""
    return path.read_text("utf-8")


async def picture(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
