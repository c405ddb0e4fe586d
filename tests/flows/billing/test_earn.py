"""Revenue is deferred when it is invoiced and earned by the month, on both engines."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from billing.catalog.terms import When
from billing.flows import earn as earning
from billing.flows.cancel import cancel
from billing.flows.earn import earn
from billing.invoicing.store import credit_note, invoice
from billing.ledger.model import PostingKind
from billing.ledger.store import deferral, earned_month, posting
from tests.fixtures.billing import Office
from tests.flows.billing.books import balances, check_books, everything, rows


async def earn_all(office: Office) -> list[int]:
    """Earn all months that are over; how many accounts each page earned something of."""
    pages: list[int] = []
    while True:
        async with office.store.begin() as tx:
            page = await earn(tx, office.now)
        if page is None:
            return pages
        pages.append(page.postings)


async def book(office: Office, name: str, currency: str = "EUR") -> int:
    """Tell the balance of a book, in minor units."""
    return (await balances(office.store)).get((name, "", currency), 0)


async def on_the_fifteenth(office: Office, until: datetime):
    """Let a household join on 11 March whose periods begin on the 15th: 31.00 for each."""
    account = await office.join(bill_day=15)
    await office.live([account], until)
    return account


async def test_days_to_come_are_deferred_until_they_are_over(office: Office):
    """On 20 June the days from 1 June on are not earned: 14 of a period, and a whole one."""
    await on_the_fifteenth(office, datetime(2026, 6, 20, tzinfo=UTC))
    invoiced = await book(office, "deferred") + await book(office, "revenue")
    assert await earn_all(office) == [1, 0, 1, 0, 1, 0]
    assert await book(office, "deferred") == -(1400 + 3100)
    assert await book(office, "revenue") == invoiced + 4500
    assert [row[3] for row in await rows(office.store, deferral)] == [3100]
    await check_books(office.store)


async def test_earning_again_writes_nothing(office: Office):
    """What is earned is earned once; nothing is done before a month is over."""
    await on_the_fifteenth(office, datetime(2026, 5, 1, 12, tzinfo=UTC))
    assert await earn_all(office) == [1, 0]  # April is not over everywhere yet
    before = await everything(office.store, (deferral, earned_month, posting))
    assert await earn_all(office) == []
    assert await everything(office.store, (deferral, earned_month, posting)) == before


async def test_page_by_page_is_as_all_at_once(office: Office, monkeypatch):
    """Stopped after any page and gone on, the books are as if nothing had happened."""
    accounts = [await office.join(f"20000{n}", bill_day=n + 10) for n in range(5)]
    await office.live(accounts, datetime(2026, 4, 20, tzinfo=UTC))
    async with office.store.rehearse() as tx:
        while await earn(tx, office.now):
            pass
        found = await tx.fetch("SELECT id FROM posting WHERE kind = 'earned' ORDER BY id")
        at_once = [str(row[0]) for row in found]
    monkeypatch.setattr(earning, "ACCOUNTS_AT_ONCE", 2)
    pages = await earn_all(office)
    assert len(pages) == 4
    assert sum(pages) == len(at_once)
    earned = [row[0] for row in await rows(office.store, posting) if row[1] == PostingKind.EARNED]
    assert sorted(earned) == at_once


async def test_two_who_earn_at_once_earn_what_one_does(office: Office):
    """Two schedulers that both believe they lead earn each month once, and neither fails."""
    accounts = [await office.join(f"20000{n}", bill_day=n + 10) for n in range(5)]
    await office.live(accounts, datetime(2026, 5, 20, tzinfo=UTC))
    async with office.store.rehearse() as tx:
        while await earn(tx, office.now):
            pass
        alone = [tuple(row) for row in await tx.fetch(EARNED)]
    pages = await asyncio.gather(*(earn_all(office) for _ in range(3)))
    async with office.store.read() as tx:
        assert [tuple(row) for row in await tx.fetch(EARNED)] == alone
    assert sum(map(sum, pages)) == len({posting for posting, *_ in alone})
    await check_books(office.store)


EARNED = """
    SELECT e.posting_id, e.n, e.book, e.party, e.amount_minor
    FROM entry e JOIN posting p ON p.id = e.posting_id WHERE p.kind = 'earned' ORDER BY 1, 2
"""


@pytest.mark.parametrize("day", [14, 16, 25])
async def test_what_is_given_back_is_taken_from_what_is_deferred(office: Office, day):
    """Who cancels within a period gets its rest back; in the end nothing is deferred."""
    account = await on_the_fifteenth(office, datetime(2026, 4, day, 9, tzinfo=UTC))
    await earn_all(office)
    async with office.store.begin() as tx:
        await cancel(office.desk, tx, "100001", When.NOW, office.now)
    await office.settle(account)
    notes = [row for row in await rows(office.store, posting) if row[1] == PostingKind.CREDIT_NOTE]
    assert notes
    assert await book(office, "deferred") <= 0
    office.forward(days=70)
    await office.settle(account)
    await earn_all(office)
    assert await book(office, "deferred") == 0
    assert await rows(office.store, deferral) == []
    await check_books(office.store)
    async with office.store.read() as tx:
        charged = await tx.scalar(select(func.sum(invoice.c.net_minor)))
        given_back = await tx.scalar(select(func.sum(credit_note.c.net_minor)))
    assert await book(office, "revenue") == given_back - charged


async def test_what_was_booked_before_is_left_alone(office: Office):
    """An invoice whose revenue was not deferred, as an older version booked it, earns nothing."""
    await on_the_fifteenth(office, datetime(2026, 4, 1, tzinfo=UTC))
    async with office.store.rehearse() as tx:
        if tx.engine == "sqlite":
            await tx.driver("DROP TRIGGER entry_no_update")
        else:
            await tx.driver("SET LOCAL session_replication_role = replica")
        await tx.driver("UPDATE entry SET book = 'revenue' WHERE book = 'deferred'")
        page = await earn(tx, datetime(2026, 6, 1, tzinfo=UTC))
        assert page is not None
        assert page.postings == 0
        assert await tx.fetch("SELECT * FROM deferral") == []
