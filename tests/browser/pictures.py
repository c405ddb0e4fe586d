"""`.venv/bin/python -m tests.browser.pictures DIR` makes the pictures of the docs.

They are of the demonstration's own operator, at two moments of its story: the renewal has failed,
and one of the debtors pays. A real Chromium looks at the running product.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, FloatRect, Page, ViewportSize, async_playwright, expect
from rich.console import Console

from demo.__main__ import HARBOUR
from demo.operator import read_operator
from demo.proof import StoryError
from demo.scene import Scene
from demo.stage import Stage, new_owner, stage
from demo.steps import STEPS
from demo.story import read_story
from demo.timeline import Timeline
from tests.browser.tour import DESK, PHONE, SIGHTS
from tests.services.browser import find_chromium, launch_flags

BYTES_MAX = 150_000
# As far as the debtors are dark: signed up, paid, and the next month is not.
STEPS_COUNT = 3
# A household without a box, and the box that a technician has for it.
NEW_CONTRACT, NEW_NAME, NEW_BOX = "200101", "Subscriber 27", "RB09916149"
STRANGE_BOX = "RB96653837"
# Few colours of a page are many; none of them may go.
KEEPING = Image.Quantize.MAXCOVERAGE
SOON_MS = 60_000
SETTLED_MS = 2_000  # what is fresh is lit up for a moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    """A product in the middle of its story, a browser, and the folder of the pictures."""

    ready: Stage
    browser: Browser
    folder: Path

    @asynccontextmanager
    async def seen_by(self, name: str, password: str, size: ViewportSize) -> AsyncIterator[Page]:
        """Give the page of somebody who has signed in."""
        async with self.opened(size) as page:
            await page.goto(f"{self.ready.product.url}/sign-in")
            await page.get_by_label("Name").fill(name)
            await page.get_by_label("Password").fill(password)
            await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
            yield page

    @asynccontextmanager
    async def opened(self, size: ViewportSize) -> AsyncIterator[Page]:
        """Give a page of nobody yet."""
        context = await self.browser.new_context(viewport=size, color_scheme="light")
        yield await context.new_page()
        await context.close()

    async def look(self, page: Page, sight: str, **names: str) -> None:
        """Go to a page of the tour and keep a picture of it."""
        await page.goto(self.ready.product.url + SIGHTS[sight].path.format(**names))
        await self.keep(page, sight)

    async def keep(self, page: Page, name: str) -> None:
        """Keep a picture of what is on the screen. Raises ValueError for one that is too large."""
        kind = "phone" if page.viewport_size == PHONE else "desk"
        await page.wait_for_timeout(SETTLED_MS)
        path = self.folder / f"{name}-{kind}.png"
        shot = await page.screenshot(animations="disabled", caret="hide", clip=await _area(page))
        Image.open(BytesIO(shot)).convert("RGB").quantize(
            method=KEEPING, dither=Image.Dither.NONE
        ).save(path, optimize=True)
        if path.stat().st_size > BYTES_MAX:
            raise ValueError(f"{path.name} has {path.stat().st_size} bytes, at most {BYTES_MAX}")


async def trouble(ready: Stage) -> None:
    """Give people something to decide: a box shows another key, one came back damaged."""
    product, boxes = ready.product, ready.boxes_of(STRANGE_BOX)
    await boxes.tamper("new_host_key", serial=STRANGE_BOX)
    await product.scan(boxes.driver.target)
    damaged = {"condition": "damaged", "note": "water inside"}
    await product.call("POST", f"boxes/{ready.story.newcomer.box}/return", body=damaged)
    await product.rest()


async def office(album: Album) -> None:
    """Picture what staff at a desk sees, and one page of theirs on a phone."""
    await trouble(album.ready)
    debtor = album.ready.story.debtors[0]
    name, password = await new_owner(album.ready.parts)
    async with album.seen_by(name, password, DESK) as page:
        await album.look(page, "overview")
        await album.look(page, "household", contract=debtor.contract)
        await album.look(page, "search", serial=debtor.box)
        await album.look(page, "work")
        await album.look(page, "waiting")
        await page.set_viewport_size(PHONE)
        await album.look(page, "household", contract=debtor.contract)
        await album.look(page, "people")


async def field(album: Album) -> None:
    """Picture how a technician registers a box on a phone, up to green."""
    who = album.ready.technician
    await _new_household(album.ready)
    async with album.seen_by(who.name, who.password, PHONE) as page:
        await page.goto(f"{album.ready.product.url}/field/")
        await album.keep(page, "field")
        await page.get_by_role("link", name=NEW_NAME).click()
        await album.keep(page, "field-job")
        await page.get_by_role("link", name="Register a box").click()
        await page.get_by_label("Serial of the box").fill(NEW_BOX)
        await album.keep(page, "field-register")
        await page.get_by_role("button", name="Look at it").click()
        await page.get_by_label("Where it stands").fill("living room")
        await album.keep(page, "field-check")
        await page.get_by_role("button", name="Register it").click()
        green = page.locator(".verdict[data-tone=good]")
        await expect(green).to_be_visible(timeout=SOON_MS)
        await album.keep(page, "field-box")


async def subscriber(album: Album) -> None:
    """Picture how a subscriber comes in by a code, pays what is owed, and watches again."""
    url, mail = f"{album.ready.product.url}/portal/", album.ready.mail.url
    email = f"{album.ready.story.debtors[0].contract}@harbour.example"
    async with album.opened(PHONE) as page, album.opened(DESK) as letters:
        await page.goto(url)
        await page.get_by_label("Contract number or e-mail").first.fill(email)
        await album.keep(page, "portal-sign-in")
        await page.get_by_role("button", name="Send me a code").click()
        await letters.goto(mail)
        await letters.get_by_role("link").first.click(timeout=SOON_MS)
        await album.keep(letters, "mail")
        (code,) = re.findall(r"\b\d{4} \d{4}\b", await letters.locator("pre").inner_text())
        await page.get_by_label("Code").fill(code)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator(".verdict[data-tone=bad]")).to_be_visible()
        for size in (DESK, PHONE):
            await page.set_viewport_size(size)
            await page.goto(url)
            await album.keep(page, "portal-owes")
            await page.get_by_role("link", name="INV-").first.click()
            await album.keep(page, "portal-invoice")
        await page.goto(url)
        await page.get_by_role("button", name="Pay").click()
        await page.wait_for_url(f"{album.ready.provider.url}/**")
        await album.keep(page, "portal-pay")
        await page.get_by_role("button", name="Pay").click()
        await page.wait_for_url(f"{url}**")
        await expect(page.locator(".verdict[data-tone=good]")).to_be_visible(timeout=SOON_MS)
        await album.keep(page, "portal-home")
        await album.look(page, "portal-shop")
        await page.set_viewport_size(DESK)
        await page.goto(url)
        await album.keep(page, "portal-home")


async def _area(page: Page) -> FloatRect:
    """Measure what is filled of the screen, so that no picture ends in empty paper."""
    size = page.viewport_size
    assert size is not None
    used = await page.evaluate("Math.ceil(document.body.getBoundingClientRect().bottom)")
    return FloatRect(x=0, y=0, width=size["width"], height=min(size["height"], used))


async def _new_household(ready: Stage) -> None:
    """Have a household without a box, a job at it, and a box in the technician's van."""
    product, who = ready.product, ready.technician
    order = {"contract": NEW_CONTRACT, "name": NEW_NAME, "plan": "HARBOUR", "addons": ["KIDS"]}
    await product.call("POST", "accounts", body=order)
    await product.call("POST", f"boxes/{NEW_BOX}/move", body={"place": who.name})
    await product.open_job("install", NEW_CONTRACT, who.actor)
    await product.rest()


async def _told(scene: Scene) -> None:
    """Tell the beginning of the story. Raises StoryError where a step of it is not proven."""
    for step in STEPS[:STEPS_COUNT]:
        evidence = await step.tell(scene)
        if not all(found.is_proven for found in evidence.findings):
            raise StoryError(f"this is not proven: {step.title}")


async def make(folder: Path) -> None:
    """Tell the story up to the debtors' darkness, and picture all that is looked at then."""
    operator = read_operator(HARBOUR)
    story, timeline = read_story(operator), Timeline(Console(stderr=True, highlight=False))
    # Grey edges of letters: a third less to keep than coloured ones.
    flags, program = [*launch_flags(), "--disable-lcd-text"], find_chromium()
    with tempfile.TemporaryDirectory(prefix="boxoffice-pictures-") as data:
        async with (
            stage(operator, story, Path(data), timeline) as ready,
            async_playwright() as playwright,
        ):
            await _told(Scene(stage=ready, timeline=timeline, newcomer=story.newcomer))
            browser = await playwright.chromium.launch(executable_path=program, args=flags)
            album = Album(ready=ready, browser=browser, folder=folder)
            for part in (office, field, subscriber):
                await part(album)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
