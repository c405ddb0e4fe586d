"""A subscriber allows debits in the portal; somebody takes their batch to the bank."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from app.desk import debits
from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.test_portal import come_in, picture, signed_up
from tests.browser.tour import faults
from tests.fixtures.debits import CREDITOR, PAYER

pytestmark = [pytest.mark.browser, ONE_LOOP]


async def test_a_debit_is_allowed_and_taken_to_the_bank(watched, browser, served, shop):
    """Without scripts the mandate is given; the file is downloaded, handed in, refused whole."""
    async with shop.house.store.begin() as tx:
        await debits.collect_as(shop.house, tx, CREDITOR, actor="test")
    await signed_up(shop)
    portal = await browser.new_context(java_script_enabled=False)
    phone = await come_in(portal, served)
    await phone.get_by_text("Pay by direct debit").click()
    await phone.get_by_label("Your account (IBAN)").fill(PAYER)
    await phone.get_by_label("Who holds it").fill("Erika Muster")
    await phone.get_by_label("I allow this").check()
    await picture(phone, "portal_mandate")
    await phone.get_by_role("button", name="Debit this account").click()
    await expect(phone.locator("main")).to_contain_text("IBAN DE…2051")
    await picture(phone, "portal_mandate_given")
    await shop.rest()
    page = watched.page
    await page.set_viewport_size({"width": 1280, "height": 900})
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/bank")
    await page.get_by_role("link", name="Direct debits").click()
    await page.get_by_label("Up to this day").fill("2099-01-01")
    await page.get_by_role("button", name="Make batches").click()
    await expect(page.get_by_role("status")).to_contain_text("1 debit of")
    assert await faults(page) == []
    await picture(page, "debits")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="File for the bank").click()
    assert (await waiting.value).suggested_filename.endswith(".xml")
    await page.reload()
    await page.get_by_role("button", name="The bank has it").click()
    await expect(page.locator("main")).to_contain_text("handed in")
    assert await faults(page) == []
    await picture(page, "debits_handed_in")
    await page.goto(f"{served.url}/console/accounts/100001")
    await picture(page, "household_mandate")
    assert watched.complaints == []
    await portal.close()
