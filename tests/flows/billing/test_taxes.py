"""Taxes in the books: jurisdictions, prices that include tax, levels of rounding."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from billing.catalog.model import OfferingKind
from billing.catalog.terms import When
from billing.flows.cancel import cancel
from billing.flows.publish import Publication
from billing.flows.tax_place import tax_in
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.tax.levels import Inclusive, Level
from billing.tax.model import TaxRate
from runtime.work import work
from terms.errors import Invalid, NotFound
from terms.money import Rate
from tests.fixtures.billing import SINCE, ZONE, Office, offering, price
from tests.flows.billing.books import balances, check_books, rows


def labelled(code: str, amount: str, convention: Inclusive = Inclusive.NET_FIRST):
    """Make a price that includes tax."""
    return replace(price(code, amount), included=convention)


LABELS = Publication(
    zone=ZONE,
    offerings=(offering("LABEL", OfferingKind.PLAN, "base"), offering("MINI", OfferingKind.ADDON)),
    prices=(labelled("LABEL", "19.99"), labelled("MINI", "4.99")),
)
GERMANY = TaxRate(tax="standard", jurisdiction="DE", effective_from=SINCE, rate=Rate.parse("19%"))


async def documents(office: Office, table=invoice) -> list[tuple[int, int, int]]:
    """Return net, tax and total of every document."""
    c = table.c
    async with office.store.read() as tx:
        found = await tx.rows(select(table).order_by(c.sequence))
    return [(one.net_minor, one.tax_minor, one.total_minor) for one in found]


async def test_an_inclusive_price_is_paid_as_it_stands_on_the_label(office: Office):
    """19.99 and 4.99 with tax inside are 24.98 to pay, of which the books have net and tax."""
    await office.publish(LABELS)
    account = await office.join(plan="LABEL", addons=("MINI",), bill_day=11)
    assert await documents(office) == [(2082, 416, 2498)]
    async with office.store.read() as tx:
        lines = await tx.rows(select(invoice_line).order_by(invoice_line.c.n))
    assert [(one.amount_minor, one.net_minor + one.tax_minor) for one in lines] == [
        (1999, 1999),
        (499, 499),
    ]
    assert sum(one.net_minor for one in lines) == 2082
    assert await balances(office.store) == {
        ("receivable", account, "EUR"): 2498,
        # It reaches into the next month: nothing is earned yet.
        ("deferred", "", "EUR"): -2082,
        ("tax", "standard", "EUR"): -416,
    }
    await check_books(office.store)


async def test_all_credits_of_an_inclusive_line_are_the_line(office: Office):
    """What is left of a period comes back in net and tax as it was charged, to the cent."""
    await office.publish(LABELS)
    account = await office.join(plan="LABEL", bill_day=11)

    async def now(tx):
        await cancel(office.desk, tx, "100001", When.NOW, office.now)

    office.forward(days=10)
    await office.run(now)
    await office.settle(account)
    ((net, tax, total),) = await documents(office, credit_note)
    # Ten of 31 days stay: 19.99 * 10/31 = 6.448.
    assert total == net + tax == 1999 - 645
    (line,) = await rows(office.store, credit_line)
    assert total in line
    await check_books(office.store)


@pytest.mark.parametrize(
    ("level", "tax"), [(Level.GROUP, 21), (Level.LINE, 22), (Level.DOCUMENT, 21)]
)
async def test_the_operator_says_what_tax_is_rounded_once_for(
    small_office: Office, level: Level, tax: int
):
    """Twice 0.53 at 20 % is 0.21 of tax for the group or the document, and 0.22 line by line."""
    await small_office.publish(
        Publication(
            zone=ZONE,
            level=level,
            offerings=(
                offering("TINY", OfferingKind.PLAN, "base"),
                offering("DOT", OfferingKind.ADDON),
            ),
            prices=(price("TINY", "0.53"), price("DOT", "0.53")),
        )
    )
    await small_office.join(plan="TINY", addons=("DOT",), bill_day=11)
    assert await documents(small_office) == [(106, tax, 106 + tax)]


async def test_an_account_is_taxed_where_it_is(office: Office):
    """A household in Germany pays the rate there, and the books tell the taxes apart."""
    await office.publish(Publication(zone=ZONE, taxes=(GERMANY,)))
    home = await office.join("100001", bill_day=11)
    abroad = await office.join("100002", bill_day=11, jurisdiction="DE")
    assert [tax for _, tax, _ in await documents(office)] == [620, 589]
    sums = await balances(office.store)
    assert sums["tax", "standard", "EUR"] == -620
    assert sums["tax", "standard DE", "EUR"] == -589
    assert home != abroad
    with pytest.raises(Invalid, match="jurisdiction"):
        await office.join("100003", jurisdiction="FR")


async def test_a_credit_is_taxed_where_its_line_was(office: Office):
    """Who moves is taxed anew by the next invoice; what comes back of old ones is as it was."""
    await office.publish(Publication(zone=ZONE, taxes=(GERMANY,)))
    account = await office.join(bill_day=11)

    async def moves(tx):
        return await tax_in(office.desk, tx, "100001", "DE")

    assert await office.run(moves) == ""
    assert await office.run(moves) == "DE"
    async with office.store.read() as tx:
        assert await tx.scalar(select(work.c.key).where(work.c.kind == "settle")) == account

    async def ends(tx):
        await cancel(office.desk, tx, "100001", When.NOW, office.now)

    await office.run(ends)
    await office.settle(account)
    assert await documents(office, credit_note) == [(3100, 620, 3720)]
    assert ("tax", "standard", "EUR") not in await balances(office.store)
    await check_books(office.store)


async def test_nobody_moves_where_no_tax_is_known(small_office: Office):
    """An unknown jurisdiction and an unknown contract are refused."""
    await small_office.join()
    for contract, where, wrong in (("100001", "FR", Invalid), ("none", "", NotFound)):
        async with small_office.store.begin() as tx:
            with pytest.raises(wrong):
                await tax_in(small_office.desk, tx, contract, where)


async def test_a_jurisdiction_has_every_tax_that_is_sold_under(small_office: Office):
    """A rate abroad is a gap for every other tax of the catalogue: it is refused by name."""
    reduced = TaxRate(tax="reduced", effective_from=SINCE, rate=Rate.parse("10%"))
    book = replace(offering("BOOK", OfferingKind.ADDON, "book"), tax="reduced")
    await small_office.publish(
        Publication(zone=ZONE, taxes=(reduced,), offerings=(book,), prices=(price("BOOK", "1.00"),))
    )
    with pytest.raises(Invalid, match=r"taxes\.reduced DE"):
        await small_office.publish(Publication(zone=ZONE, taxes=(GERMANY,)))
    both = (GERMANY, replace(reduced, jurisdiction="DE", rate=Rate.parse("7%")))
    assert len(await small_office.publish(Publication(zone=ZONE, taxes=both))) == 2
    july = replace(GERMANY, effective_from=date(2026, 7, 1), rate=Rate.parse("16%"))
    assert await small_office.publish(Publication(zone=ZONE, taxes=(july,))) == (
        "tax standard DE: 16% from 2026-07-01",
    )
