"""The page of the bank, as somebody uses it who finds out whose money it is."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ONE_LOOP, enter
from tests.browser.tour import PHONE, faults
from tests.fixtures.bank import Row, camt
from tests.flows.app.operator import contract_of

pytestmark = [pytest.mark.browser, ONE_LOOP]


async def test_a_statement_is_pasted_and_its_line_assigned(watched, served, shop):
    """A line that fits two households waits with both; somebody assigns it, and nothing waits."""
    await shop.sign_up(1)
    await shop.sign_up(2)
    text = f"{contract_of(1)} {contract_of(2)}"
    row = Row(amount="7.00", ref="B1", text=text, name="Erika Muster", iban="DE02")
    page = watched.page
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/bank")
    await page.get_by_label("Statement of a bank").fill(camt(row).decode())
    await page.get_by_role("button", name="Take it").click()
    await expect(page.get_by_role("status")).to_contain_text("1 review")
    line = page.get_by_role("region", name="7.00 EUR in")
    await expect(line).to_contain_text("it fits several accounts")
    await expect(line.get_by_role("link")).to_have_text([contract_of(1), contract_of(2)])
    assert await faults(page) == []
    await line.get_by_label("Contract that 7.00").fill(contract_of(2))
    await line.get_by_role("button", name="Assign").click()
    await expect(page.get_by_role("status")).to_contain_text(f"goes to {contract_of(2)}")
    await expect(page.locator("main")).to_contain_text("Nothing waits.")
    assert await faults(page) == []
    assert watched.complaints == []


async def test_the_number_of_an_account_stays_on_one_line(watched, served, shop):
    """On a phone, the longest there is: of whoever pays, and of the operator's own bank."""
    await shop.sign_up(1)
    await shop.sign_up(2)
    text = f"{contract_of(1)} {contract_of(2)}"
    row = Row(
        amount="7.00", ref="B1", text=text, name="E. M.", iban="MT84MALT011000012345MTLCAST001S"
    )
    page = watched.page
    await page.set_viewport_size(PHONE)
    await enter(page.context, served)
    await page.goto(f"{served.url}/console/bank")
    await page.get_by_label("Statement of a bank").fill(camt(row).decode())
    await page.get_by_role("button", name="Take it").click()
    await expect(page.get_by_role("status")).to_contain_text("1 review")
    lines = await page.locator(".iban").evaluate_all(
        "all => all.map(one => one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight))"
    )
    assert [round(each) for each in lines] == [1, 1]
