"""A subscriber's pages: without scripts, with markup in every field, on every screen."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import BrowserContext, Page, expect

from app.desk import signup
from app.desk.household_boxes import held
from app.desk.signup import Household
from billing.flows.publish import Publication, publish
from gateway.inventory.flows import NewBox
from tests.browser.conftest import ONE_LOOP
from tests.browser.test_console import HOSTILE
from tests.fixtures.promotions import promotion
from tests.flows.app.guest import subscriber, visiting, with_password
from tests.flows.app.operator import contract_of, mac_of
from tests.flows.app.served import Served
from tests.flows.app.shop import START, Shop
from tests.flows.app.visitor import PASSWORD, hurry

pytestmark = [pytest.mark.browser, ONE_LOOP]

CONTRACT = contract_of(1)
EMAIL = "household.1@north.example"
# A folder for pictures of each page, for people to look at.
PICTURES = os.environ.get("BOXOFFICE_TEST_PICTURES", "")


async def signed_up(shop: Shop, name: str = "Household 1") -> None:
    """Have household 1 signed up, with a box, an add-on and an e-mail address."""
    household = Household(
        contract=CONTRACT,
        name=name,
        plan="BASIC",
        addons=("SPORT",),
        email=EMAIL,
        box=NewBox(serial="SN000001", mac=mac_of(1), model="M1"),
    )
    async with shop.house.store.begin() as tx:
        await signup.sign_up(shop.house, tx, household, "test")
    await shop.rest()


async def come_in(context: BrowserContext, served: Served) -> Page:
    """Sign household 1 in with a password; give the page."""
    hurry(served.house)
    await with_password(served.house, CONTRACT, PASSWORD)
    page = await context.new_page()
    await page.goto(f"{served.url}/portal/sign-in")
    await page.get_by_text("Sign in with a password").click()
    await page.locator("#name-too").fill(CONTRACT)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


async def picture(page: Page, name: str) -> None:
    """Keep a picture of a page where somebody asks for them."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def test_all_of_it_works_without_scripts(browser, served, shop):
    """Renaming, restarting, an invoice, a promise, the way out: forms and links alone."""
    await signed_up(shop)
    context = await browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = await come_in(context, served)
    await page.get_by_text("I can pay only later").click()
    await page.get_by_label("I pay by").fill("2040-01-13")
    await page.get_by_role("button", name="Promise").click()
    await expect(page.get_by_role("status")).to_contain_text("Until that day")
    await page.get_by_role("link", name="Boxes").click()
    await page.get_by_label("Name of this box").fill("Living room")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.get_by_text("Living room")).to_be_visible()
    await page.get_by_role("button", name="Restart my box").click()
    await expect(page.get_by_role("status")).to_contain_text("Restarting")
    await picture(page, "boxes")
    await page.get_by_role("link", name="Invoices").click()
    await picture(page, "invoices")
    await page.get_by_role("link", name="INV-00000001").click()
    await expect(page.get_by_text("Sport pack")).to_be_visible()
    await picture(page, "invoice")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")
    await context.close()


async def test_a_title_is_bought_without_scripts(browser, served, shop):
    """What it costs and until when it lasts is read before; a reload buys nothing more."""
    await signed_up(shop)
    await shop.pay_debt(1, "R-1")
    await shop.rest()
    context = await browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = await come_in(context, served)
    await page.get_by_role("link", name="Shop").click()
    row = page.get_by_role("listitem").filter(has_text="Sport for two days")
    await expect(row).to_contain_text("To watch for 2 days; on your next invoice")
    await row.locator("summary").click()
    await row.get_by_role("button", name="Buy for 4.80 EUR").click()
    await expect(page.get_by_role("status")).to_contain_text("It is yours")
    await page.reload()
    bought = page.get_by_role("region", name="What you bought").get_by_role("listitem")
    await expect(bought).to_have_count(1)
    await expect(bought).to_contain_text("until 12 Jan 2040")
    await picture(page, "shop")
    await context.close()


async def test_nothing_that_is_written_becomes_script(watched, served, shop):
    """Markup in every field a subscriber sees, or types, is shown as it was typed."""
    page = watched.page
    await signed_up(shop, name=HOSTILE)
    await shop.pay_debt(1, "R-1")
    await shop.rest()
    half = promotion("HALF", "50%", "BASIC")
    async with shop.house.store.begin() as tx:
        await publish(tx, Publication(zone="UTC", promotions=(half,)), START)
    guest = await visiting(served, CONTRACT)
    for path, form in (("redeem", {"code": "HALF"}), ("shop/PASS/buy", {"price": "4.80 EUR"})):
        assert (await guest.post(f"/portal/{path}", once="k", **form)).status == 303
    async with shop.house.store.begin() as tx:
        await tx.driver("UPDATE resource SET model = ?", (HOSTILE[:60],))
        await tx.driver("UPDATE offering SET name = ?", (HOSTILE,))
        await tx.driver("UPDATE promotion SET name = ?", (HOSTILE,))
        await tx.driver("UPDATE catalog_edition SET edition = edition + 1")
    form = {"name": HOSTILE[:40], "once": "k"}
    async with shop.house.store.read() as tx:
        ((box, _),) = await held(tx, (await subscriber(tx, CONTRACT)).service)
    assert (await guest.post(f"/portal/boxes/{box.id}/name", **form)).status == 303
    await (await come_in(page.context, served)).close()
    static = [
        route.path
        for route in served.site.portal.routes()
        if route.method == "GET" and "{" not in route.path and "events" not in route.path
    ]
    said = quote(HOSTILE[:20])
    invoices = ("/portal/invoices/INV-00000001", f"/portal/invoices/{said}")
    more = (*invoices, f"/portal/invoices?behind={said}", f"/portal/shop?q={said}")
    ran = []
    for path in (*static, *more, f"/portal/?done={said}"):
        await page.goto(served.url + path)
        await page.wait_for_timeout(250)
        if await page.evaluate("window.hit") is not None:
            ran.append(path)
    assert ran == []
    await page.goto(f"{served.url}/portal/")
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert [told for told in watched.complaints if "404" not in told] == []


async def test_it_fits_every_screen(browser, served, shop):
    """Nothing runs out of the page on a phone, a tablet or a desk, in light or in dark."""
    await signed_up(shop)
    paths = (
        "/portal/",
        "/portal/shop",
        "/portal/invoices",
        "/portal/invoices/INV-00000001",
        "/portal/boxes",
    )
    for width, scheme in product((360, 768, 1440), ("light", "dark")):
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        page = await come_in(context, served)
        for path in (*paths, "/portal/me", "/portal/code"):
            await page.goto(served.url + path)
            wide, room = await page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide <= room, (path, width, scheme)
            if scheme == "light" and width != 768:
                await picture(page, f"{path.strip('/').replace('/', '_')}_{width}")
        await context.close()
