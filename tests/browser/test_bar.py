"""The bar of every page: one line at a desk, all of it within a phone, whatever one may open."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.test_portal import picture
from tests.browser.tour import DESK, PHONE, faults

pytestmark = [pytest.mark.browser, ONE_LOOP]


async def test_the_bar_keeps_to_one_line(browser, served):
    """What is rare is reached by keyboard, without scripts too; nothing runs out of a phone."""
    context = await browser.new_context(java_script_enabled=False, viewport=DESK)
    await enter(context, served)
    page = await context.new_page()
    for path in ("/console/", "/console/audit", "/me"):
        await page.goto(f"{served.url}{path}")
        shown = page.locator(".bar nav > a, .bar summary, .bar .leave")
        places = [await one.bounding_box() for one in await shown.all()]
        middles = [place["y"] + place["height"] / 2 for place in places if place]
        assert max(middles) - min(middles) < 4, path
    more = page.locator(".bar summary")
    await page.goto(f"{served.url}/console/")
    await more.focus()
    await page.keyboard.press("Enter")
    await picture(page, "bar")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{served.url}/console/vouchers")
    await expect(page.locator(".bar nav > a[aria-current]")).to_have_text("Vouchers")
    await page.set_viewport_size(PHONE)
    await page.goto(f"{served.url}/console/")
    await picture(page, "bar_phone_shut")
    await more.click()
    await expect(page.get_by_role("link", name="Audit")).to_be_visible()
    await picture(page, "bar_phone")
    assert await faults(page) == []
    await context.close()
