"""The page of bill days, as somebody uses it who lets one go, and the page of one line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import expect
from sqlalchemy import update

from billing.dunning.store import dunning_brake
from billing.flows.publish import Publication, publish
from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.tour import faults
from tests.flows.app.operator import contract_of
from tests.flows.app.shop import START

pytestmark = [pytest.mark.browser, ONE_LOOP]
LIMITED = """
steps = [{ after_days = 2, action = "limit", level = "less" }]
[levels.less]
only = ["base"]
"""


async def test_a_bill_day_is_let_go_on_its_page(watched, served, shop):
    """The day waits, is looked at, and is let go with a word why; then its invoices are there."""
    await shop.sign_up(1)
    await shop.rest()
    await shop.pay_debt(1, "R-first")
    await shop.rest()
    async with shop.house.store.begin() as tx:
        await publish(tx, Publication(zone="Europe/Vienna", window_days=3), START)
    await shop.advance(timedelta(days=31))
    await shop.rest()
    page = watched.page
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/billing")
    day = page.get_by_role("region", name="10 Feb 2040")
    await expect(day).to_contain_text("waits")
    await expect(day).to_contain_text("Goes by itself on 13 Feb 2040")
    await day.get_by_role("button", name="Look at it").click()
    await expect(day).to_contain_text("1 invoices")
    assert await faults(page) == []
    await day.get_by_label("Why 10 Feb 2040 is let go").fill("as in January")
    await day.get_by_role("button", name="Let it go").click()
    await expect(page.get_by_role("status")).to_contain_text("is let go")
    await expect(day).to_contain_text("as in January")
    await shop.rest()
    await page.goto(f"{served.url}/console/dunning?days=40")
    await expect(page.get_by_role("region", name="Suspended first")).to_contain_text(contract_of(1))
    assert await faults(page) == []
    await tried_and_released(page, shop)
    await page.goto(f"{served.url}/console/accounts/{contract_of(1)}")
    await page.locator("details.invoice summary").first.click()
    await page.locator("details.invoice a").first.click()
    await expect(page.locator(".head .pill")).to_have_text("computes again")
    assert await faults(page) == []
    assert watched.complaints == []


async def tried_and_released(page, shop):
    """Other rules are tried and refused by their field; the brake is let go, once."""
    await page.get_by_text("By other rules").click()
    rules = page.get_by_label("Other rules")
    await rules.fill("[[steps]]\nafter_days = 2\naction = 'limit'")
    await page.get_by_role("button", name="Try them").click()
    await expect(page.get_by_role("alert")).to_contain_text("level")
    await rules.fill(LIMITED)
    async with shop.house.store.begin() as tx:
        await tx.execute(update(dunning_brake).values(stopped_at=START))
    await page.get_by_role("button", name="Try them").click()
    await expect(page.get_by_role("region", name="Limited first")).to_contain_text(contract_of(1))
    assert await faults(page) == []
    await page.get_by_label("Why they go on").fill("they owe it")
    await page.get_by_role("button", name="Let them go on").click()
    await expect(page.get_by_role("status")).to_contain_text("0 accounts go on")
    await expect(page.get_by_text("Let them go on")).to_have_count(0)
