"""The operations page as an operator sees it."""

from __future__ import annotations

import asyncio
import json
from itertools import product
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from app.desk import business
from app.identity.roles import Right
from app.imports import memory
from billing.flows.publish import Publication, publish
from runtime.store import to_micros
from runtime.work import Parking
from tests.browser.conftest import ONE_LOOP, enter
from tests.fixtures.promotions import promotion
from tests.flows.app.operator import contract_of
from tests.flows.app.shop import START

pytestmark = [pytest.mark.browser, ONE_LOOP]

HOSTILE = "<script>window.hit=1</script><img src=x onerror='window.hit=2'>\"'{{7*7}}"


async def test_the_page_is_whole_without_scripts(browser, served, shop):
    """With scripts switched off everything is on the page, and reloads show what is new."""
    context = await browser.new_context(java_script_enabled=False)
    await enter(context, served)
    page = await context.new_page()
    await page.goto(f"{served.url}/console/")
    await expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    await expect(page.locator("[data-live-part=targets]")).to_contain_text("north")
    await expect(page.locator("[data-live-part=story]")).to_contain_text("Nothing has happened")
    await shop.sign_up(1)
    await shop.rest()
    story = page.locator("[data-live-part=story]")
    async with asyncio.timeout(20):
        while "north knows the household" not in await story.inner_text():
            await page.reload()  # what many look at may be a moment old
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


async def fill_with_markup(served, shop) -> None:
    """Put markup into every field that somebody outside, or of the staff, may write."""
    order = {
        "contract": "777",
        "name": HOSTILE,
        "plan": "BASIC",
        "box": {"serial": "SN777", "model": "M1"},
    }
    for path, body in (
        ("accounts", order),
        ("accounts/777/payments", {"amount": "100.00", "reference": HOSTILE}),
        ("accounts/777/restore", {"reason": HOSTILE}),
        ("jobs", {"kind": "install", "contract": "777", "note": HOSTILE}),
    ):
        status, answer = await served.api("POST", path, body)
        assert status < 300, (path, answer)
    house = shop.house
    await shop.rest()
    service = (await shop.view_of("777")).service.id
    async with house.store.begin() as tx:
        # What the forms would refuse, as though an older version had taken it.
        await tx.driver("UPDATE customer SET phone = ?, email = ?", (HOSTILE[:39], HOSTILE))
        await tx.driver("UPDATE resource SET model = ?, mac = ?", (HOSTILE[:60], HOSTILE[:17]))
        await house.work.mark(tx, "notify", [HOSTILE[:60]])
        await tx.driver(
            "INSERT INTO review_case (id, kind, serial, reason, found_at, seen_at, count)"
            " VALUES ('other_mac:SN777', 'other_mac', 'SN777', ?, 1, 1, 1)",
            (HOSTILE,),
        )
        await tx.driver(
            "INSERT INTO delivery (id, service_id, kind, text, outcome, begun_at, why, to_address)"
            " VALUES ('n1', ?, 'payment_reminder', ?, 'failed', 1, ?, '')",
            (service, HOSTILE, HOSTILE),
        )
    (claim,) = await house.work.claim("notify")
    async with house.store.begin() as tx:
        await house.work.park(tx, [Parking(claim=claim, error=HOSTILE)])


async def fill_what_is_beside(served, shop) -> None:
    """Put markup into what a household has beside its subscriptions, and into words about it."""
    used = {"id": "1", "contract": "nobody", "meter": "hours", "quantity": "1"}
    used |= {"at": START.isoformat()}
    half = promotion("HALF", "50%", "BASIC")
    async with shop.house.store.begin() as tx:
        await publish(tx, Publication(zone="UTC", promotions=(half,)), START)
    words = {"reason": HOSTILE[:120]}
    for path, body in (
        ("accounts/777/purchases", {"offering": "VISIT", "ref": "1"} | words),
        ("accounts/777/promotions", {"code": "HALF"} | words),
        (
            "lines/INV-00000001.1/goodwill",
            {"amount": "0.50", "reference": HOSTILE[:100]} | words,
        ),
        ("usage", {"source": "rec", "records": [used]}),
    ):
        status, answer = await served.api("POST", path, body)
        assert status < 300, (path, answer)
    await shop.come_to_rest()
    async with shop.house.store.begin() as tx:
        await tx.driver("UPDATE offering SET name = ?", (HOSTILE,))
        await tx.driver("UPDATE promotion SET name = ?", (HOSTILE,))
        await tx.driver("UPDATE usage_record SET contract = ?, meter = ?", (HOSTILE, HOSTILE))
        await tx.driver("UPDATE catalog_edition SET edition = edition + 1")


async def fill_what_others_say(shop) -> None:
    """Put markup into what targets and machines say, and into the operator's own name."""
    async with shop.house.store.begin() as tx:
        said = "UPDATE target SET down_since = 1, down_reason = ?, parked_reason = ?"
        await tx.driver(said, (HOSTILE, HOSTILE))
        fields = json.dumps({HOSTILE: [HOSTILE, HOSTILE]})
        await tx.driver(
            "INSERT INTO drift (id, target, ref, kind, fields, found_at, scan_at)"
            " VALUES ('d', 'north', ?, 'differs', ?, 1, 1)",
            (HOSTILE, fields),
        )
        seen = (HOSTILE, to_micros(shop.house.clock.machine_now()))
        await tx.driver("UPDATE process SET host = ?, seen_at = ?", seen)
        known = await memory.remembered(tx, business.FILE)
        named = {**known["operator"], "name": HOSTILE}
        await memory.remember(tx, business.FILE, [("operator", named)])


async def test_nothing_that_is_written_becomes_script(watched, served, shop):
    """Markup in every field is shown as it was typed, on every page and in its live parts."""
    page = watched.page
    await enter(page.context, served)
    await fill_with_markup(served, shop)
    await fill_what_is_beside(served, shop)
    await fill_what_others_say(shop)
    static = [
        route.path
        for route in served.site.routes()
        if route.method == "GET" and isinstance(route.policy, Right) and "{" not in route.path
    ]
    said = quote(HOSTILE)
    paths = [
        *(path for path in static if not path.endswith("/events")),
        "/console/accounts/777",
        "/console/accounts/777/history",
        "/console/accounts/777/statement",
        "/console/lines/INV-00000001.1",
        "/console/lines/CRN-00000001.1",
        f"/console/search?q={said[:80]}",
        "/console/search?q=script",
        f"/console/accounts?search={said[:80]}",
        f"/console/audit?subject={said}",
    ]
    ran = []
    for path in paths:
        await page.goto(served.url + path)
        await page.wait_for_timeout(250)
        if await page.evaluate("window.hit") is not None:
            ran.append(path)
    assert ran == []
    await page.goto(f"{served.url}/console/accounts/777")
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    await expect(page.locator("[data-live-part=account_messages]")).to_contain_text(HOSTILE)
    await expect(page.locator(".brand")).to_contain_text(HOSTILE)
    await page.goto(f"{served.url}/console/")
    for part in ("targets", "drift"):
        await expect(page.locator(f"[data-live-part={part}]")).to_contain_text(HOSTILE)
    # What a policy against foreign script stops would stand here as well.
    assert [told for told in watched.complaints if "404" not in told] == []


async def test_it_fits_every_screen(browser, served, shop):
    """Nothing runs out of the page on a phone, a tablet or a desk, in light or in dark."""
    await shop.sign_up(1, addons=("SPORT",))
    await shop.rest()
    home = f"/console/accounts/{contract_of(1)}"
    found = f"/console/search?q={contract_of(1)}"
    paths = ("/console/", "/console/accounts", home, f"{home}/history", "/console/work", found)
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
