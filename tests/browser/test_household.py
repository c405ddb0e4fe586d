"""The page of one household, as somebody at the counter or on the telephone uses it."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ONE_LOOP, enter
from tests.flows.app.operator import contract_of
from tests.flows.app.shop import START

pytestmark = [pytest.mark.browser, ONE_LOOP]

PAGE = f"/console/accounts/{contract_of(1)}"


async def suspended(shop) -> None:
    """Have household 1 pay once and then fall behind until it is dark."""
    await shop.sign_up(1)
    await shop.rest()
    await shop.pay_debt(1, "R-first")
    await shop.rest()
    for days in (35, 3, 7):
        await shop.advance(timedelta(days=days))
        await shop.rest()


async def test_promise_and_cash_without_scripts(browser, served, shop):
    """A dark household promises, is lit, and pays: forms without script, each told on the page."""
    await suspended(shop)
    context = await browser.new_context(java_script_enabled=False)
    await enter(context, served)
    page = await context.new_page()
    await page.goto(served.url + PAGE)
    await expect(page.locator(".head .pill")).to_have_text("suspended")
    await page.get_by_text("Promised payment").click()
    until = START + timedelta(days=48)
    await page.get_by_label("Last day").fill(f"{until:%Y-%m-%d}")
    await page.locator("#why-promise").fill("wages on Friday")
    await page.get_by_role("button", name="Take the promise").click()
    await expect(page.get_by_role("status")).to_contain_text("is promised until")
    await shop.rest()
    await page.reload()
    await expect(page.locator(".head .pill")).to_have_text("active")
    await page.get_by_text("Take cash").click()
    await page.get_by_role("button", name="Take the money").click()
    await expect(page.get_by_role("status")).to_contain_text("is taken, receipt RCT-")
    await shop.rest()
    await page.goto(served.url + PAGE)
    await expect(page.locator("[data-live-part=account_money]")).to_contain_text("kept")
    await context.close()


async def test_the_page_lives_by_itself(watched, served, shop):
    """What happens to the household appears on its open page; what is open there stays open."""
    page = watched.page
    await enter(page.context, served)
    await shop.sign_up(1)
    await shop.rest()
    await page.goto(served.url + PAGE)
    await expect(page.locator("[data-live]")).to_have_attribute("data-live", "yes")
    await link_to_pay(page)
    await page.locator("details.invoice summary").first.click()
    await shop.pay_debt(1, "R-first")
    await expect(page.locator(".head .pill")).to_have_text("active", timeout=20_000)
    await expect(page.locator("[data-live-part=account_holdings]")).to_contain_text("picture on")
    await expect(page.locator("details.invoice[open]")).to_have_count(1)
    assert watched.complaints == []


async def test_a_click_is_not_lost_to_what_happens_meanwhile(watched, served, shop):
    """A line that was drawn anew while somebody read it still opens by the first click."""
    page = watched.page
    await enter(page.context, served)
    await shop.sign_up(1)
    await shop.rest()
    told = await listening(page, "account_money")
    await page.goto(served.url + PAGE)
    await expect(page.locator("[data-live]")).to_have_attribute("data-live", "yes")
    await page.locator("details.invoice summary").first.click()
    told.clear()
    await shop.pay_debt(1, "R-first")
    await asyncio.wait_for(told.wait(), 30)
    await page.locator("details.invoice a").first.click()
    await expect(page.locator(".head .pill")).to_have_text("computes again")
    assert watched.complaints == []


async def listening(page: Page, part: str) -> asyncio.Event:
    """Have an event be set whenever the page is told of a part."""
    told = asyncio.Event()

    def hear(message: dict[str, str]) -> None:
        if message["eventName"] == "part" and json.loads(message["data"])["part"] == part:
            told.set()

    session = await page.context.new_cdp_session(page)
    session.on("Network.eventSourceMessageReceived", hear)
    await session.send("Network.enable")
    return told


async def link_to_pay(page: Page) -> None:
    """Have a link made and copied; the address of the page is then as it was, fit for a reload."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    before = page.url
    await page.get_by_text("Link to pay").click()
    await page.get_by_role("button", name="Make a link").click()
    link = page.locator(".said a.whole")
    await expect(link).to_have_attribute("href", re.compile("^http"))
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert (copied, page.url) == (await link.get_attribute("href"), before)
