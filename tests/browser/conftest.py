"""A product at work beside its simulators, and a browser that looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from app.identity import people
from tests.flows.app.served import Served, at_work, serving
from tests.flows.app.shop import Shop, opened, settings_for
from tests.flows.app.simulated import portal, provider, running_portal, running_provider
from tests.flows.app.visitor import PASSWORD, added, hurry
from tests.services.browser import launch_flags

__all__ = ["portal", "provider", "running_portal", "running_provider"]

# A browser is started once in a process, and belongs to the loop it was started in.
ONE_LOOP = pytest.mark.asyncio(loop_scope="session")

expect.set_options(timeout=30_000)  # on a machine with better things to do


@dataclass(slots=True)
class Watched:
    """A page, and everything it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note complaints, dialogs and requests."""
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))


@asynccontextmanager
async def chromium(program: Path) -> AsyncIterator[Browser]:
    """Start a Chromium and end it."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=str(program), args=launch_flags()
        )
        yield launched
        await launched.close()


async def enter(context: BrowserContext, served: Served, role: str = "owner") -> None:
    """Have somebody of a role sign in with a browser; they are called as their role."""
    hurry(served.house)
    async with served.house.store.read() as tx:
        is_known = await people.with_hash(tx, role)
    if not is_known:
        await added(served.house, role, role)
    page = await context.new_page()
    await page.goto(f"{served.url}/sign-in")
    await page.get_by_label("Name").fill(role)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(sqlite_url, tmp_path, portal, provider) -> AsyncIterator[Shop]:
    """An operator with all duties running."""
    async with opened(settings_for(tmp_path / "data", sqlite_url)) as house, at_work(house):
        found = Shop(house, portal, provider)
        await found.begin(tmp_path / "operator")
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def served(shop) -> AsyncIterator[Served]:
    """That operator's pages."""
    async with serving(shop.house) as one:
        yield one


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_chromium(chromium_path: Path) -> AsyncIterator[Browser]:
    """A real Chromium that tests of this worker share."""
    async with chromium(chromium_path) as launched:
        yield launched


@pytest_asyncio.fixture(loop_scope="session")
async def browser(shared_chromium) -> AsyncIterator[Browser]:
    """A real Chromium that nobody has opened anything in."""
    yield shared_chromium
    for context in shared_chromium.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(browser) -> AsyncIterator[Watched]:
    """A page that notes what happens on it."""
    context = await browser.new_context()
    found = Watched(await context.new_page())
    found.listen()
    yield found
    await context.close()
