"""A town for stories: the whole product with portal, provider, mail and boxes, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize
from pydantic import SecretStr

from app.desk import signup
from app.desk.signup import Household
from gateway.inventory.flows import NewBox
from tests.browser.conftest import chromium
from tests.flows.app.operator import WEBHOOK_SECRET, contract_of, mac_of
from tests.flows.app.served import Served, at_work, serving
from tests.flows.app.shop import Shop, opened, settings_for
from tests.flows.app.vans import Vans
from tests.flows.app.visitor import PASSWORD, added
from tests.simulators.http import PortalClient
from tests.simulators.process import RunningSimulator, start_simulator

CASHIER = "cashier"
# Who pays at the counter, who gets a first box, who pays at the portal, and somebody else.
PAYING, NEW, ONLINE, OTHER = 1, 2, 3, 4
# Renewed after a month, dark at the end of dunning's five days, and nobody has paid since.
INTO_DARKNESS = (timedelta(days=35), timedelta(days=3), timedelta(days=7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Everything that a story leans on."""

    shop: Shop
    vans: Vans
    served: Served
    catcher: RunningSimulator
    browser: Browser

    @property
    def page_of_mails(self) -> str:
        """Where a person reads the letters that were caught."""
        return str(self.catcher.told["page_url"])

    @asynccontextmanager
    async def seen_on(self, size: ViewportSize) -> AsyncIterator[BrowserContext]:
        """Give a screen of that size, to which nobody is known."""
        context = await self.browser.new_context(viewport=size)
        yield context
        await context.close()

    async def shown(self, number: int) -> Sequence[str] | None:
        """Ask the portal as a box does: the channels of a household's box; None where it is dark.

        Dark is one thing here: the box is told that it is blocked and gets no channels.
        """
        box = PortalClient(url=self.shop.portal.url)
        mac = (await self.at_portal(number))["stb_mac"]
        profile = box.box(mac, "stb", "get_profile")
        answer = box.box_answer(mac, "itv", "get_all_channels")
        assert (profile["status"] == 1) == (answer.text == "Access denied.")
        return None if profile["status"] == 1 else box.channels(mac)

    async def at_portal(self, number: int) -> dict[str, Any]:
        """Give the portal's own row of a household. Fails where it has none."""
        row = await self.shop.at_portal(number)
        assert row is not None
        return row

    async def in_rack(self, serial: str) -> dict[str, Any]:
        """Give what a box of the rack holds."""
        (box,) = (await self.vans.rack.aadmin(f"/state?serial={serial}"))["boxes"]
        return dict(box)


async def sign_in(page: Page, name: str) -> None:
    """Fill in the form on which somebody of the staff signs in."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


@asynccontextmanager
async def town(
    folder: Path,
    database: Path,
    program: Path,
    portal: RunningSimulator,
    provider: RunningSimulator,
) -> AsyncIterator[Town]:
    """Open a town in a folder, on a copy of a migrated database, once its debtors are dark."""
    shutil.copy(database, folder / "boxoffice.db")
    for one in (portal, provider):
        one.admin("/reset", {})
    with (
        start_simulator("mail") as catcher,
        start_simulator("ssh", "--count", "4", "--boot-s", "0.05", "--seed", "town") as rack,
    ):
        settings = settings_for(folder / "data", f"sqlite:///{folder / 'boxoffice.db'}").model_copy(
            update={"smtp_url": SecretStr(catcher.url), "mail_from": "North TV <tv@north.example>"}
        )
        async with (
            opened(settings) as house,
            at_work(house),
            serving(house) as served,
            chromium(program) as browser,
        ):
            shop = Shop(house, portal, provider)
            await shop.begin(folder / "operator")
            vans = Vans(shop, rack)
            await vans.begin()
            found = Town(shop=shop, vans=vans, served=served, catcher=catcher, browser=browser)
            await _settled(found)
            yield found


async def _settled(found: Town) -> None:
    """Have people and households there: three in the dark, and one that has paid and has no box."""
    shop = found.shop
    await added(shop.house, CASHIER, CASHIER)
    hook = f"{found.served.url}/hooks/payments/cards"
    rule = {"op": "webhook", "url": hook, "secret": WEBHOOK_SECRET}
    await shop.provider.aadmin("/tamper", rule)
    for number in (PAYING, ONLINE, OTHER):
        await _sign_up(
            shop, number, NewBox(serial=f"SN{number:06}", mac=mac_of(number), model="M1")
        )
    await shop.rest()
    for number in (PAYING, ONLINE, OTHER):
        await shop.pay_debt(number, f"R-{number}")
    await shop.rest()
    for by in INTO_DARKNESS:
        await shop.advance(by)
        await shop.rest()
    await _sign_up(shop, NEW, None)
    await shop.rest()
    await shop.pay_debt(NEW, f"R-{NEW}")
    await shop.rest()


async def _sign_up(shop: Shop, number: int, box: NewBox | None) -> None:
    household = Household(
        contract=contract_of(number),
        name=f"Household {number}",
        plan="BASIC",
        addons=("SPORT",),
        phone=f"+43 664 555 00{number:02}",
        email=f"household.{number}@north.example",
        box=box,
    )
    async with shop.house.store.begin() as tx:
        await signup.sign_up(shop.house, tx, household, "test")
