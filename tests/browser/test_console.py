"""The operations page as an operator sees it."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.async_api import expect

from tests.browser.conftest import enter
from tests.flows.app.operator import contract_of

pytestmark = pytest.mark.browser

HOSTILE = "<script>window.hit=1</script><img src=x onerror='window.hit=2'>\"'{{7*7}}"


async def test_the_page_is_whole_without_scripts(browser, served, shop):
    """With scripts switched off everything is on the page, and a reload shows what is new."""
    context = await browser.new_context(java_script_enabled=False)
    await enter(context, served)
    page = await context.new_page()
    await page.goto(f"{served.url}/console/")
    await expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    await expect(page.locator("[data-live-part=targets]")).to_contain_text("north")
    await expect(page.locator("[data-live-part=story]")).to_contain_text("Nothing has happened")
    await shop.sign_up(1)
    await shop.rest()
    await page.reload()
    story = page.locator("[data-live-part=story]")
    await expect(story).to_contain_text("north knows the household")
    await page.get_by_role("link", name=contract_of(1)).first.click()
    await expect(page.get_by_role("heading", name="Household 1")).to_be_visible()
    await expect(page.locator(".why")).to_contain_text("is not paid")
    await context.close()


async def test_the_page_lives_by_itself(watched, served, shop):
    """What happens appears on the open page, from our own server alone and without a complaint."""
    page = watched.page
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/")
    await expect(page.locator("[data-live]")).to_have_attribute("data-live", "yes")
    await shop.sign_up(1)
    story = page.locator("[data-live-part=story]")
    await expect(story).to_contain_text("north knows the household", timeout=20_000)
    tiles = page.locator("[data-live-part=tiles]")
    await expect(tiles).to_contain_text("1 wait for the first payment")
    assert watched.complaints == []
    assert all(url.startswith(f"{served.url}/") for url in watched.asked)


async def test_drift_is_shown_and_repaired_by_a_button(watched, served, shop):
    """An account changed by hand stands on the page with both values; the button mends it."""
    page = watched.page
    await enter(page.context, served)
    await shop.sign_up(1)
    await shop.rest()
    async with served.house.store.begin() as tx:
        await tx.driver("UPDATE target SET drift_policy = 'report'")
    shop.portal.admin(
        "/tamper",
        {"op": "set", "account_number": contract_of(1), "fields": {"full_name": "By hand"}},
    )
    await shop.house.drift.scan("north")
    await page.goto(f"{served.url}/console/")
    drift = page.locator("[data-live-part=drift]")
    await expect(drift).to_contain_text("By hand")
    await drift.get_by_role("button", name="Repair").click()
    await expect(page.get_by_role("status")).to_have_text("It is being repaired.")
    await expect(drift).to_contain_text("Every target holds what it should", timeout=20_000)
    row = shop.portal.admin(f"/state?account_number={contract_of(1)}")
    assert "By hand" not in str(row)
    assert watched.complaints == []


async def test_names_never_become_script(watched, served, shop):
    """A name full of markup is shown as it was typed, on every page, and runs nowhere."""
    page = watched.page
    await enter(page.context, served)
    order = {"contract": "777", "name": HOSTILE, "plan": "BASIC"}
    status, _ = await served.api("POST", "accounts", order)
    assert status == 201
    await shop.rest()
    for path in ("/console/", "/console/accounts", "/console/accounts/777"):
        await page.goto(served.url + path)
        await page.wait_for_timeout(500)
        assert await page.evaluate("window.hit") is None
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    await page.goto(f"{served.url}/console/accounts?search={'%22%3E%3Cscript%3E'}")
    assert await page.evaluate("window.hit") is None
    assert watched.complaints == []


async def test_it_fits_every_screen(browser, served, shop):
    """Nothing runs out of the page on a phone, a tablet or a desk, in light or in dark."""
    await shop.sign_up(1, addons=("SPORT",))
    await shop.rest()
    paths = ("/console/", "/console/accounts", f"/console/accounts/{contract_of(1)}")
    for width, scheme in product((360, 768, 1440), ("light", "dark")):
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        await enter(context, served)
        page = await context.new_page()
        for path in paths:
            await page.goto(served.url + path)
            wide, room = await page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide <= room, (path, width, scheme)
        await context.close()
