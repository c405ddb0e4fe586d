"""Somebody writes an announcement, looks at it as it would be read, and has it sent."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.test_portal import picture, signed_up
from tests.browser.tour import DESK, PHONE, faults

pytestmark = [pytest.mark.browser, ONE_LOOP]


async def test_it_is_looked_at_and_sent(watched, served, shop):
    """What was typed stays beside its preview; only that page sends it, and says to how many."""
    await signed_up(shop)
    page = watched.page
    await enter(page.context, served)
    await page.set_viewport_size(DESK)
    await page.goto(f"{served.url}/console/messages")
    await page.get_by_role("link", name="Announce something").click()
    await page.get_by_label("In English, one line").fill("There are four more channels.")
    await page.get_by_label("In other languages").fill("de=Es gibt vier Sender mehr.")
    await expect(page.get_by_role("button", name="Send it")).to_have_count(0)
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_label("In other languages")).to_have_value(
        "de=Es gibt vier Sender mehr."
    )
    await picture(page, "announcement")
    assert await faults(page) == []
    await page.set_viewport_size(PHONE)
    await picture(page, "announcement_phone")
    assert await faults(page) == []
    await page.get_by_role("button", name="Send it to 1 household").click()
    await expect(page.get_by_role("status")).to_contain_text("It goes out to 1 household")
    assert watched.complaints == []
