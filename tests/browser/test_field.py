"""The technician's pages in a real Chromium, phone-sized, with real boxes, script on and off."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from gateway.inventory import reviews
from gateway.inventory.reviews import CaseKind, Finding
from gateway.inventory.serials import SerialCheck, meant
from gateway.reads.progress import Stage
from tests.browser.conftest import ONE_LOOP
from tests.browser.test_people import HOSTILE, PHONE, shot, sign_in
from tests.flows.app.operator import contract_of
from tests.flows.app.served import serving
from tests.flows.app.vans import Vans
from tests.simulators.process import start_simulator

pytestmark = [pytest.mark.browser, ONE_LOOP]
# What a phone has and this browser has not: a camera's picture that holds a code.
SCANNER = """
    window.BarcodeDetector = class {
      static async getSupportedFormats() { return ["qr_code", "code_128"]; }
      async detect(picture) { return picture.srcObject ? [{ rawValue: "%s" }] : []; }
    };
    navigator.mediaDevices.getUserMedia = async () =>
      document.createElement("canvas").captureStream();
"""


@pytest.fixture(scope="module")
def running_rack():
    """A rack of boxes."""
    with start_simulator("ssh", "--count", "4", "--boot-s", "0.05", "--seed", "eyes") as rack:
        yield rack


@pytest_asyncio.fixture(loop_scope="session")
async def vans(shop, running_rack):
    """An operator at work, with technicians and real boxes."""
    found = Vans(shop, running_rack)
    await found.begin()
    await shop.sign_up(1)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def field(vans):
    """Its pages."""
    async with serving(vans.house) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser):
    """A phone that knows no script."""
    context = await browser.new_context(viewport=PHONE, java_script_enabled=False)
    yield context
    await context.close()


async def entered(context: BrowserContext, field, name: str = "tom") -> Page:
    """Sign somebody in and go to the field."""
    page = await context.new_page()
    await page.goto(f"{field.url}/sign-in?next=/field/")
    await sign_in(page, name)
    await expect(page).to_have_url(f"{field.url}/field/")
    return page


async def fits(page: Page) -> None:
    """Nothing runs out of the page, and a finger hits each button."""
    wide, room = await page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room, page.url
    small = await page.evaluate(
        "[...document.querySelectorAll('button, .button, select, input:not([type=hidden])"
        ":not([type=radio]):not([type=checkbox])')]"
        ".filter(e => e.getBoundingClientRect().height < 44).length"
    )
    assert small == 0, page.url


def slip_of(serials: list[str]) -> str:
    """Exchange two digits of one of these, so that it is certain which one was meant."""
    slips = [
        one[:at] + one[at + 1] + one[at] + one[at + 2 :] for one in serials for at in (2, 4, 6, 8)
    ]
    return next(one for one in slips if meant(one, prefix="RB", check=SerialCheck.LUHN) in serials)


async def test_from_the_job_to_green_without_script(phone, field, vans):
    """Job, serial, a slip of the finger, plausibility, bound; the page turns green by itself."""
    serial = vans.serials[0]
    await vans.open_job(1, "install", vans.tom)
    page = await entered(phone, field)
    await shot(page, "field-home")
    await page.get_by_role("link", name="Install a box").click()
    await shot(page, "field-job")
    await page.get_by_role("link", name="Register a box").click()
    slip = serial[:-1] + str((int(serial[-1]) + 1) % 10)
    await page.get_by_label("Serial of the box").fill(slip)
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_role("alert")).to_contain_text("The check digit of")
    await shot(page, "field-slip")
    await page.get_by_label("Serial of the box").fill(serial)
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_text("until the first payment")).to_be_visible()
    await shot(page, "field-check")
    await page.get_by_label("Where it stands").fill("living room")
    await page.get_by_role("button", name="Register it").click()
    await shot(page, "field-bound")
    await expect(page.locator(".verdict")).to_have_attribute("data-tone", "good", timeout=30_000)
    await expect(page.locator(".proof")).to_contain_text("north knows it")
    await shot(page, "field-proven")
    await page.get_by_role("button", name="The job is done").click()
    await expect(page.get_by_role("status")).to_have_text("The job is done.")


async def test_a_plug_is_pulled_under_the_eyes_of_the_technician(browser, field, vans):
    """By script the open page says what is wrong, is never green, and turns green in the end."""
    serial = vans.serials[0]
    context = await browser.new_context(viewport=PHONE, color_scheme="dark")
    page = await entered(context, field)
    await vans.faults({"name": "error", "argument": "77", "match": "SET"})
    await vans.bind(serial, 1)
    await page.goto(f"{field.url}/field/box?serial={serial}")
    verdict = page.locator(".verdict")
    await expect(verdict).to_contain_text("came to nothing")
    await vans.tamper(serial, "power_off")
    await vans.faults()
    await page.get_by_role("button", name="Ask it again").click()
    await expect(verdict).to_contain_text("was it unplugged", timeout=20_000)
    await expect(verdict).to_have_attribute("data-tone", "bad")
    await shot(page, "field-unplugged")
    await vans.tamper(serial, "power_on")
    await page.get_by_role("button", name="Ask it again").click()
    await expect(verdict).to_have_attribute("data-tone", "good", timeout=20_000)
    await expect(page.get_by_text("It is being asked again.")).to_have_count(0)
    await shot(page, "field-green-dark-scheme")
    await context.close()


async def test_swap_and_return_on_a_phone(phone, field, vans):
    """The old box is chosen, the new one typed; the new one is later taken back, damaged."""
    old, new = vans.serials[:2]
    await vans.bind(old, 1)
    await vans.open_job(1, "swap", vans.tom)
    back = await vans.open_job(1, "return", vans.tom)
    page = await entered(phone, field)
    for _ in ("the job", "its main button"):
        await page.get_by_role("link", name="Swap a box").click()
    await page.get_by_label("Serial of the new box").fill(new)
    await shot(page, "field-swap")
    await page.get_by_role("button", name="Look at it").click()
    await shot(page, "field-swap-check")
    await page.get_by_role("button", name="Swap them").click()
    await expect(page.get_by_role("status")).to_contain_text("the old one lies in your van")
    await vans.until(new, Stage.PROVEN)
    await page.goto(f"{field.url}/field/return?job={back.id}")
    await shot(page, "field-return")
    await page.get_by_role("link", name=new).click()
    await page.get_by_label("It is damaged:").check()
    await shot(page, "field-return-check")
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_role("status")).to_contain_text("Taken back")
    await shot(page, "field-home-after")


async def test_a_label_is_scanned(browser, field, vans):
    """Where the browser reads codes, a button fills in what the camera sees, as it is."""
    serial = vans.serials[2]
    context = await browser.new_context(viewport=PHONE)
    url = f"https://example.net/box?sn={serial}"
    await context.add_init_script(SCANNER % url)
    page = await entered(context, field)
    await page.goto(f"{field.url}/field/register")
    await page.get_by_label("Contract").fill(contract_of(1))
    await shot(page, "field-scan")
    await page.get_by_role("button", name="Scan").click()
    await expect(page.get_by_label("Serial of the box")).to_have_value(url)
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_text(serial, exact=True)).to_be_visible()
    await context.close()


async def test_markup_never_becomes_script(watched, field, vans):
    """Names, notes and codes are shown as they are, and no page complains of anything."""
    await vans.house.store.once("UPDATE customer SET name = ?", (HOSTILE,))
    await vans.bind(vans.serials[0], 1)
    job = await vans.open_job(1, "install", vans.tom)
    page = watched.page
    await page.goto(f"{field.url}/sign-in?next=/field/")
    await sign_in(page, "tom")
    for path in (
        "",
        f"jobs/{job.id}",
        f"register?job={job.id}",
        f"register?job={job.id}&serial={vans.serials[0]}",
        f"box?serial={vans.serials[0]}&job={job.id}",
    ):
        await page.goto(f"{field.url}/field/{path}")
        await expect(page.locator("main")).to_contain_text(HOSTILE)
    assert await page.evaluate("window.hit") is None
    assert watched.complaints == []
    assert all(url.startswith(f"{field.url}/") for url in watched.asked)


async def test_every_page_fits_a_phone(browser, field, vans):
    """Nothing runs out of a narrow page, the office's neither; a finger hits each button."""
    await vans.bind(vans.serials[0], 1)
    job = await vans.open_job(1, "install", vans.tom)
    slip = slip_of(vans.serials)
    case = Finding(kind=CaseKind.HOST_KEY, serial=vans.serials[0], reason=f"it shows {'x' * 60}")
    async with vans.house.store.begin() as tx:
        await reviews.report(tx, [case], vans.house.clock.machine_now())
    for width in (320, 390):
        context = await browser.new_context(viewport={"width": width, "height": 800})
        page = await entered(context, field, "olga")
        for path in (
            "/field/",
            f"/field/jobs/{job.id}",
            "/field/jobs",
            "/field/stock",
            "/console/waiting",
            f"/field/register?job={job.id}&serial={slip}",
            f"/field/register?job={job.id}",
            f"/field/register?job={job.id}&serial={vans.serials[1]}",
            f"/field/swap?old={vans.serials[0]}&new={vans.serials[1]}",
            f"/field/return?serial={vans.serials[0]}",
            f"/field/box?serial={vans.serials[0]}",
        ):
            await page.goto(field.url + path)
            await fits(page)
            await shot(page, f"w{width}{path.partition('?')[0].replace('/', '-')}")
        await context.close()
