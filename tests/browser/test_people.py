"""Signing in as people do, in a real Chromium, on a phone and on a desk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from app.settings import Settings
from app.wiring import build, closing
from tests.browser.conftest import ONE_LOOP
from tests.flows.app.served import serving
from tests.flows.app.visitor import PASSWORD, added, hurry

pytestmark = [pytest.mark.browser, ONE_LOOP]

PHONE = {"width": 390, "height": 844}
HOSTILE = "<script>window.hit=1</script><img src=x onerror='window.hit=2'>"
SHOTS = os.environ.get("BOXOFFICE_TEST_SHOTS", "")


@pytest_asyncio.fixture(loop_scope="session")
async def house(sqlite_url, tmp_path):
    """A house with an owner and a technician."""
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url)
    async with closing(build(settings)) as built:
        hurry(built)
        await added(built, "olga", "owner")
        await added(built, "tom", "technician")
        yield built


@pytest_asyncio.fixture(loop_scope="session")
async def served(house):
    """Its pages."""
    async with serving(house) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser):
    """A phone that knows no script."""
    context = await browser.new_context(viewport=PHONE, java_script_enabled=False)
    yield context
    await context.close()


async def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill the form in and send it."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def test_a_technician_signs_in_and_out_on_a_phone(phone: BrowserContext, served):
    """Asked to sign in first, told when it is wrong, led to the page; signed out, it is closed."""
    page = await phone.new_page()
    await page.goto(f"{served.url}/field/")
    await expect(page).to_have_url(f"{served.url}/sign-in?next=/field/")
    await shot(page, "sign-in")
    await sign_in(page, "tom", "not-this-one")
    await expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    await shot(page, "wrong")
    await sign_in(page, "Tom")
    await expect(page).to_have_url(f"{served.url}/field/")
    await expect(page.get_by_role("heading", name="Hello Tom")).to_be_visible()
    await shot(page, "field")
    cookies = {cookie["name"]: cookie for cookie in await phone.cookies()}
    kept = cookies["__Host-boxoffice"]
    assert (kept["httpOnly"], kept["secure"], kept["sameSite"]) == (True, True, "Lax")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")
    await page.goto(f"{served.url}/field/")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_owner_adds_somebody_and_looks_after_them(phone: BrowserContext, served):
    """The made password is shown once and opens the door; its person is then let in no more."""
    page = await phone.new_page()
    await page.goto(f"{served.url}/sign-in?next=/people")
    await sign_in(page, "olga")
    await page.get_by_label("Name to sign in with").fill("anna")
    await page.get_by_label("Name that others see").fill("Anna Kern")
    await shot(page, "people")
    await page.get_by_role("button", name="Add").click()
    made = await page.locator("[data-password]").inner_text()
    await shot(page, "shown-once")
    await page.get_by_role("link", name="Done").click()
    await page.get_by_role("button", name="Let in no more").click()
    await expect(page.get_by_role("status")).to_contain_text("No longer let in")
    await page.get_by_role("button", name="Let in again").click()
    await shot(page, "person")
    await page.get_by_role("link", name="Me").click()
    await shot(page, "me")
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, "anna", made)
    await expect(page.get_by_role("heading", name="Hello Anna Kern")).to_be_visible()


async def test_names_never_become_script(watched, served):
    """What an owner types is shown as typed, and no page complains of anything."""
    page = watched.page
    await page.goto(f"{served.url}/sign-in?next=/people")
    await sign_in(page, "olga")
    await page.get_by_label("Name to sign in with").fill("anna")
    await page.get_by_label("Name that others see").fill(HOSTILE)
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("heading")).to_contain_text(HOSTILE)
    await page.get_by_role("link", name="Done").click()
    await page.get_by_role("link", name="People").first.click()
    await expect(page.get_by_role("list")).to_contain_text(HOSTILE)
    assert await page.evaluate("window.hit") is None
    assert watched.complaints == []
    assert all(url.startswith(f"{served.url}/") for url in watched.asked)


async def test_it_fits_every_screen(browser, served):
    """Nothing runs out of the page, on any screen, light or dark; a finger hits each button."""
    for width, scheme in ((320, "light"), (390, "dark"), (1440, "light")):
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        page = await context.new_page()
        await page.goto(f"{served.url}/sign-in?next=/people")
        await sign_in(page, "olga")
        await expect(page).to_have_url(f"{served.url}/people")
        for path in ("/people", "/me", "/field/"):
            await page.goto(served.url + path)
            wide, room = await page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide <= room, (path, width, scheme)
            await shot(page, f"{path.strip('/')}-{width}-{scheme}")
        if width < 640:
            heights = [
                (await one.bounding_box())["height"] for one in await page.locator("button").all()
            ]
            assert min(heights) >= 44
        await context.close()
