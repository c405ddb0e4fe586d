"""Every document names the seller of its own day, whatever is published later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billing.reads import cash, credit_notes, invoices, statements
from billing.sellers.model import ALWAYS, Seller
from terms.errors import Invalid
from tests.fixtures.billing import PUBLICATION, Office
from tests.flows.billing.test_shifts import give, pay
from tests.flows.billing.test_void import called_void

OLD = Seller(name="Old Ltd", address=("1 Road", "Town"), tax_number="1")
NEW = Seller(name="New plc", address=("2 Road",), tax_number="2", register="Company 3")
APRIL = date(2026, 4, 1)


async def told(office: Office, sellers: dict[date, Seller]) -> tuple[str, ...]:
    """Publish who sells."""
    return await office.publish(replace(PUBLICATION, sellers=sellers))


async def named(office: Office) -> dict[str, Seller | None]:
    """Tell whom each document of the household names."""
    (key,) = office.looks
    async with office.store.read() as tx:
        bills = await invoices.page_of_account(tx, key, limit=9)
        notes = await credit_notes.of_account(tx, key, limit=9)
        slips = [await cash.find_receipt(tx, f"RCT-0000000{n}") for n in (1, 2)]
        alone = {one.number: (await invoices.view(tx, one.number)).seller for one in bills}
        alone |= {one.number: (await credit_notes.view(tx, one.number)).seller for one in notes}
    found = {one.number: one.seller for one in bills} | {one.number: one.seller for one in notes}
    assert alone == found
    return found | {one.receipt.number: one.seller for one in slips}


async def test_a_document_keeps_the_seller_of_its_day(office: Office):
    """Invoice, receipt, credit note, refund receipt and statement, before and after a change."""
    assert "seller Old Ltd from 1990-01-01" in await told(office, {ALWAYS: OLD})
    household = await office.join()
    await pay(office, "50.00", "R-1")
    await office.settle(household)
    assert await told(office, {APRIL: NEW}) == ("seller New plc from 2026-04-01",)
    assert await told(office, {ALWAYS: OLD, APRIL: NEW}) == ()
    await office.live([household], datetime(2026, 4, 2, tzinfo=UTC))
    await give(office, "R-1", "5.00", "B-1")
    await called_void(office, "INV-00000001")
    for other in (ALWAYS, APRIL):
        with pytest.raises(Invalid, match="date it later") as refused:
            await told(office, {other: replace(OLD, name="Other Ltd")})
        assert refused.value.field == f"seller.{other}"
    assert await named(office) == {
        "INV-00000001": OLD,
        "RCT-00000001": OLD,
        "INV-00000002": NEW,
        "RCT-00000002": NEW,
        "CRN-00000001": NEW,
    }
    async with office.store.read() as tx:
        march = await statements.statement(tx, household, date(2026, 3, 1), date(2026, 3, 31))
        april = await statements.statement(tx, household, date(2026, 3, 1), APRIL)
    assert (march.seller, april.seller) == (OLD, NEW)


async def test_nobody_sells_until_it_is_told(office: Office):
    """Documents name none; one that is told for the days that are over is named by all of them."""
    household = await office.join()
    await pay(office, "50.00", "R-1")
    await give(office, "R-1", "5.00", "B-1")
    await office.settle(household)
    assert set((await named(office)).values()) == {None}
    await told(office, {date(2026, 3, 1): OLD})
    assert set((await named(office)).values()) == {OLD}
