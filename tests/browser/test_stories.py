"""Three stories in a real Chromium, one product with all simulators: counter, field and portal."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import Watched
from tests.browser.tour import DESK, PHONE, SIGHTS, faults
from tests.browser.town import CASHIER, NEW, ONLINE, OTHER, PAYING, Town, sign_in, town
from tests.flows.app.guest import with_password
from tests.flows.app.operator import contract_of
from tests.flows.app.visitor import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]
SOON_MS = 30_000
# Basic 10.00, Sport pack 5.00, the box 2.00 and 20 % tax.
OWED = "20.40 EUR"
BEFORE, HERE = "on the same page", "window.seen"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def north(running_portal, running_provider, sqlite_template, tmp_path_factory, chromium_path):
    """North TV on the day three of its households are dark."""
    folder = tmp_path_factory.mktemp("town")
    simulators = (running_portal, running_provider)
    async with town(folder, sqlite_template, chromium_path, *simulators) as found:
        yield found


async def staff_page(north: Town, context: BrowserContext, name: str, path: str) -> Page:
    """Have somebody of the staff come by a page, be asked who it is, and be led back there."""
    page = await context.new_page()
    await page.goto(north.served.url + path)
    await sign_in(page, name)
    await expect(page).to_have_url(north.served.url + path)
    return page


async def test_staff_finds_a_household_by_its_box_and_its_picture_comes_on(north):
    """A cashier types a serial, reads why it is dark, takes cash; page and box follow."""
    assert await north.shown(PAYING) is None
    async with north.seen_on(DESK) as context:
        page = await staff_page(north, context, CASHIER, "/console/")
        await page.get_by_role("searchbox").fill(f"SN{PAYING:06}")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name=contract_of(PAYING)).click()
        await expect(page.get_by_role("heading", name=f"Household {PAYING}")).to_be_visible()
        await expect(page.locator(".why")).to_contain_text(f"is unpaid, {OWED} is owed")
        await expect(page.locator("[data-live-part=account_money]")).to_contain_text(OWED)
        beside = await context.new_page()
        await beside.goto(page.url)
        await expect(beside.locator("[data-live]")).to_have_attribute("data-live", "yes")
        await beside.evaluate(f"{HERE} = '{BEFORE}'")
        await page.get_by_text("Take cash").click()
        await page.get_by_role("button", name="Take the money").click()
        await expect(page.get_by_role("status")).to_contain_text("is taken, receipt RCT-")
        for one in (page, beside):
            await expect(one.locator(".head .pill")).to_have_text("active", timeout=SOON_MS)
            held = one.locator("[data-live-part=account_holdings]")
            await expect(held).to_contain_text("picture on", timeout=SOON_MS)
            await expect(one.locator(".why")).to_have_count(0)
        assert await beside.evaluate(HERE) == BEFORE
    assert (await north.at_portal(PAYING))["status"] == 1
    assert await north.shown(PAYING)


async def test_whatever_staff_knows_of_a_household_finds_it(north):
    """Serial, MAC, telephone, contract, name and invoice each lead to the one household."""
    mine = await north.shop.view(PAYING)
    known = {
        "serial": f"sn{PAYING:06}",
        "mac": (await north.at_portal(PAYING))["stb_mac"].lower().replace(":", "-"),
        "phone": mine.phone.replace(" ", ""),
        "contract": mine.number,
        "name": mine.name.lower(),
        "invoice": mine.invoices[0].number,
    }
    found = {}
    async with north.seen_on(DESK) as context:
        page = await staff_page(north, context, CASHIER, "/console/search")
        for by, said in known.items():
            await page.get_by_role("searchbox").fill(said)
            await page.get_by_role("button", name="Search").click()
            link = page.get_by_role("link", name=mine.number)
            found[by] = await link.first.get_attribute("href")
    assert found == dict.fromkeys(known, f"/console/accounts/{mine.number}")


async def test_a_technician_registers_a_box_and_sees_it_green(north):
    """On a phone: the job is taken, the serial typed; the page turns green, and so does the box."""
    serial = north.vans.serials[0]
    await north.vans.open_job(NEW, "install")
    async with north.seen_on(PHONE) as context:
        page = await staff_page(north, context, "tom", "/field/")
        await page.get_by_role("link", name=f"Household {NEW}").click()
        await page.get_by_role("button", name="I take it").click()
        await page.get_by_role("link", name="Register a box").click()
        await page.get_by_label("Serial of the box").fill(serial.lower())
        await page.get_by_role("button", name="Look at it").click()
        await expect(page.get_by_role("heading", name="Is this right?")).to_be_visible()
        await page.get_by_role("button", name="Register it").click()
        verdict = page.locator(".verdict")
        await expect(verdict).to_have_attribute("data-tone", "good", timeout=SOON_MS)
        await page.get_by_role("button", name="The job is done").click()
        await expect(page.get_by_role("status")).to_have_text("The job is done.")
    box, row = await north.in_rack(serial), await north.at_portal(NEW)
    assert (box["active"], sorted(box["packages"])) == (True, ["basic", "sport"])
    assert (row["status"], row["stb_mac"]) == (1, box["mac"])
    assert await north.shown(NEW)


async def code_in_the_mail(north: Town, context: BrowserContext, number: int) -> str:
    """Read the code in the letter to a household, on the page of the mail catcher."""
    page = await context.new_page()
    await page.goto(f"{north.page_of_mails}/?to=household.{number}@north.example")
    await page.get_by_role("link").first.click(timeout=SOON_MS)
    (code,) = re.findall(r"\b\d{4} \d{4}\b", await page.locator("pre").inner_text())
    await page.close()
    return str(code)


async def come_in_by_code(north: Town, page: Page, number: int) -> None:
    """Ask for a code, mistype it once, and come in."""
    await page.goto(f"{north.served.url}/portal/")
    await page.get_by_label("Contract number or e-mail").first.fill(contract_of(number))
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code").fill("1234 5678")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is not the code")
    await page.get_by_label("Code").fill(await code_in_the_mail(north, page.context, number))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_a_subscriber_pays_in_the_portal_and_watches(north):
    """Who came in by a code reads what is owed and why, pays at the provider, and watches again."""
    assert await north.shown(ONLINE) is None
    async with north.seen_on(PHONE) as context:
        watched = Watched(await context.new_page())
        watched.listen()
        page = watched.page
        await come_in_by_code(north, page, ONLINE)
        verdict, money = page.locator(".verdict"), page.locator("[data-live-part=portal_money]")
        await expect(verdict).to_contain_text("is not paid")
        await expect(money).to_contain_text(OWED)
        await money.get_by_role("link", name="INV-").click()
        await expect(page.get_by_text("Sport pack")).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name=f"Pay {OWED}").click()
        await page.wait_for_url(f"{north.shop.provider.url}/**")
        await page.get_by_role("button", name="Pay").click()
        await page.wait_for_url(f"{north.served.url}/portal/**")
        await expect(page.get_by_role("status")).to_contain_text("Thank you")
        await expect(verdict).to_have_attribute("data-tone", "good", timeout=SOON_MS)
        await expect(money).to_contain_text("Nothing is owed", timeout=SOON_MS)
        assert (await north.at_portal(ONLINE))["status"] == 1
        assert await north.shown(ONLINE)
        await a_password_is_set(page)
        assert [told for told in watched.complaints if "violates" in told] == []
        await nothing_of_another(north, page)


async def a_password_is_set(page: Page) -> None:
    """Who has just come in by a code sets a password."""
    await page.get_by_role("link", name="Sign-in").click()
    await page.get_by_label("New password, at least").fill("nine-blue-lanterns")
    await page.get_by_label("New password again").fill("nine-blue-lanterns")
    await page.get_by_role("button", name="Set it").click()
    await expect(page.get_by_role("status")).to_contain_text("The password is changed")


async def nothing_of_another(north: Town, page: Page) -> None:
    """See that the pages of another household cannot be reached with what is known of it."""
    other = await north.shop.view(OTHER)
    for path in (f"portal/invoices/{other.invoices[0].number}", f"portal/{other.number}"):
        answer = await page.goto(f"{north.served.url}/{path}")
        assert answer is not None
        assert answer.status == 404
        assert other.name not in await page.content()
    await page.goto(f"{north.served.url}/console/accounts/{other.number}")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def subscriber_page(north: Town, context: BrowserContext, number: int) -> Page:
    """Sign a household in at the portal with a password."""
    await with_password(north.shop.house, contract_of(number), PASSWORD)
    page = await context.new_page()
    await page.goto(f"{north.served.url}/portal/sign-in")
    await page.get_by_text("Sign in with a password").click()
    await page.locator("#name-too").fill(contract_of(number))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


async def page_of(north: Town, context: BrowserContext, who: str) -> Page:
    """Open a page as one of those for whom the sights are; nobody is nobody in particular."""
    if who == "subscriber":
        return await subscriber_page(north, context, OTHER)
    if who:
        return await staff_page(north, context, {"owner": "olga", "technician": "tom"}[who], "/me")
    return await context.new_page()


async def test_every_page_is_for_everybody(north):
    """One heading, a label at each field, a visible focus; nothing runs out of a phone's screen."""
    job = await north.vans.open_job(OTHER, "install", north.vans.tom)
    names = {
        "contract": contract_of(OTHER),
        "serial": f"SN{OTHER:06}",
        "new": north.vans.serials[1],
        "job": job.id,
        "invoice": (await north.shop.view(OTHER)).invoices[0].number,
    }
    found: dict[str, list[str]] = {}
    for who in {sight.who for sight in SIGHTS.values()}:
        async with north.seen_on(PHONE) as context:
            page = await page_of(north, context, who)
            for name in [name for name, sight in SIGHTS.items() if sight.who == who]:
                path = SIGHTS[name].path.format(**names)
                answer = await page.goto(north.served.url + path)
                found[name] = await faults(page) if answer and answer.ok else [f"no page {path}"]
    assert found == {name: [] for name in SIGHTS}


# A page on which everything is wrong that is looked for; each fault with the words that tell it.
BARRED = """<!doctype html><style>:focus-visible { outline: none }</style>
<h1>One</h1><h1>Two</h1><input name="q"><button></button><b id="x"></b><b id="x"></b>
<p style="width: 2000px">wide</p>"""
WRONG = (
    "names no language",
    "no title",
    "2 headings",
    "q has no label",
    "has no name",
    "two things have the id x",
    "does not show that it has the focus",
    "run out of the page",
)


async def test_what_bars_somebody_is_found(north):
    """The look at a page finds each fault that it is for."""
    async with north.seen_on(PHONE) as context:
        page = await context.new_page()
        await page.set_content(BARRED)
        found = await faults(page)
    assert [words for words in WRONG if not any(words in one for one in found)] == []
