"""Every series of documents counts without a gap, whatever fails and however many write."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from billing.flows.settle import settle
from billing.flows.void import void
from billing.invoicing.numbers import Numbers, number_series
from billing.invoicing.store import credit_note, invoice
from runtime.patience import Moved
from runtime.store import Store
from terms.ids import AccountId
from tests.fixtures.billing import Office, household
from tests.flows.billing.books import check_books
from tests.flows.billing.test_life import MARCH, on
from tests.flows.billing.test_settle import pay

HOUSEHOLDS = 6


async def sequences(office: Office, table: Any) -> list[int]:
    """Return the numbers of all documents of a kind, in order."""
    async with office.store.read() as tx:
        return sorted(row.sequence for row in await tx.rows(select(table.c.sequence)))


async def newest(office: Office) -> dict[str, int]:
    """Return the newest number of each series."""
    async with office.store.read() as tx:
        return {row.series: row.last for row in await tx.rows(select(number_series))}


async def billed(office: Office) -> list[AccountId]:
    """Make households with an invoice each."""
    office.now = on(MARCH)
    made = await office.sign_up(*[household(f"10000{n}") for n in range(HOUSEHOLDS)])
    accounts = [one.account for one in made]
    await office.settle(*accounts)
    for n in range(HOUSEHOLDS):
        await pay(office, "37.20", f"R-{n}", contract=f"10000{n}")
    await office.settle(*accounts)
    return accounts


async def all_void(office: Office) -> None:
    """Call every invoice void; each is charged again."""
    async with office.store.begin() as tx:
        for row in await tx.rows(select(invoice.c.number)):
            await void(office.desk, tx, row.number, office.now, by="x", is_charged_again=True)


async def test_a_batch_that_fails_leaves_no_gap_in_any_series(office: Office):
    """Invoices and credit notes are numbered as blocks; a rollback gives both blocks back."""
    accounts = await billed(office)
    await all_void(office)

    async def fails() -> None:
        async with office.store.begin() as tx:
            await settle(office.desk, tx, accounts, office.now)
            raise RuntimeError("pulled the plug")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await fails()
    assert await sequences(office, credit_note) == []
    await office.settle(*accounts[:2])
    with pytest.raises(RuntimeError):
        await fails()
    await office.settle(*accounts)
    assert await sequences(office, invoice) == list(range(1, 2 * HOUSEHOLDS + 1))
    assert await sequences(office, credit_note) == list(range(1, HOUSEHOLDS + 1))
    assert await newest(office) == {
        "INV": 2 * HOUSEHOLDS,
        "CRN": HOUSEHOLDS,
        "RCT": HOUSEHOLDS,
    }
    await check_books(office.store)


async def test_the_first_numbers_of_a_series_have_no_gap_either(sqlite_store: Store):
    """Whoever took numbers behind others is not written before them, though no number is there."""
    numbers = Numbers()
    async with sqlite_store.decide() as first:
        assert await numbers.take(first.look, first.tx, "CRN", 3) == 1
        with pytest.raises(Moved):
            async with sqlite_store.decide() as second:
                assert await numbers.take(second.look, second.tx, "CRN", 2) == 4
    async with sqlite_store.read() as tx:
        assert await tx.scalar(select(number_series.c.last)) == 3


async def test_batches_at_once_share_a_series_without_a_gap(office: Office):
    """Whoever comes second waits for the first, and takes what follows, failed or not."""
    accounts = await billed(office)
    await all_void(office)

    async def batch(some: list[AccountId], *, is_broken: bool) -> None:
        async with office.store.begin() as tx:
            await settle(office.desk, tx, some, office.now)
            if is_broken:
                raise RuntimeError("pulled the plug")

    parts = [(accounts[:2], False), (accounts[2:4], True), (accounts[4:], False)]
    ends = await asyncio.gather(
        *(batch(some, is_broken=is_broken) for some, is_broken in parts), return_exceptions=True
    )
    assert [type(one) for one in ends] == [type(None), RuntimeError, type(None)]
    await batch(accounts, is_broken=False)
    assert await sequences(office, invoice) == list(range(1, 2 * HOUSEHOLDS + 1))
    assert await sequences(office, credit_note) == list(range(1, HOUSEHOLDS + 1))
