"""The ledger guards itself: the database refuses what would unbalance or change the books."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from billing.catalog.store import catalog_version
from billing.flows.goodwill import Goodwill, give
from billing.flows.pay import take_cash
from billing.flows.write_off import write_off_invoice
from billing.invoicing.goodwill import goodwill
from billing.invoicing.store import invoice, invoice_line, proforma, voided
from billing.ledger import store as ledger
from billing.ledger.model import Book, Entry, Posting, PostingKind
from billing.ledger.store import entry, posting
from billing.payments.store import write_off
from billing.reads.verify import schema
from runtime.store import Store
from runtime.store.audit import Deed, audit, record
from runtime.store.chain import audit_link
from terms.facts import Possession
from terms.ids import AccountId
from terms.money import Money, Rate
from tests.fixtures.billing import Office, household
from tests.flows.billing.books import ALL, balances, everything, open_items, rows
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.test_settle import service_of

AT = datetime(2026, 3, 11, tzinfo=UTC)
ACCOUNT = AccountId("A" * 26)


def sides(*amounts: int, key: str = "P", currency: str = "EUR", first: int = 1):
    """Make rows of entries."""
    return [
        {
            "posting_id": key,
            "n": n,
            "book": "revenue",
            "party": "",
            "amount_minor": amount,
            "currency": currency,
        }
        for n, amount in enumerate(amounts, first)
    ]


def seal(key: str = "P"):
    """Make the row of a posting."""
    return {
        "id": key,
        "kind": "invoice",
        "account_id": ACCOUNT,
        "posted_on": date(2026, 3, 11),
        "posted_at": AT,
    }


async def write(store: Store, *steps) -> None:
    """Insert rows table by table, in one transaction."""
    async with store.begin() as tx:
        for table, found in steps:
            await tx.insert(table, found)


async def test_a_balanced_posting_is_taken(store: Store):
    """Entries that sum to nothing per currency, then the posting that seals them."""
    both = sides(100, -60, -40) + sides(7, -7, currency="JPY", first=4)
    await write(store, (entry, both), (posting, [seal()]))
    assert len(await rows(store, entry)) == 5


UNBALANCED = {
    "a cent is missing": sides(100, -99),
    "no entry at all": [],
    "a single entry": sides(0),
    "currencies that do not mix": sides(100) + sides(-100, currency="JPY", first=2),
    "a lone entry of a currency": sides(5, -5) + sides(0, currency="JPY", first=3),
}


async def test_an_unbalanced_posting_is_refused(store: Store):
    """The database itself refuses to seal what does not balance, in every way there is."""
    for why, found in UNBALANCED.items():
        with pytest.raises(DBAPIError, match="posting does not balance"):
            await write(store, (entry, found), (posting, [seal()]))
        assert await rows(store, entry) == [], why


async def test_one_bad_posting_spoils_its_batch(store: Store):
    """Of a thousand postings in one statement one that is wrong is found."""
    found = [side for n in range(1000) for side in sides(n, -n, key=f"P{n}")]
    found[1501]["amount_minor"] += 1
    with pytest.raises(DBAPIError, match="posting does not balance"):
        await write(store, (entry, found), (posting, [seal(f"P{n}") for n in range(1000)]))


async def test_nothing_joins_a_sealed_posting(store: Store):
    """A posting that is sealed takes no further entry, not even a balanced pair."""
    await write(store, (entry, sides(100, -100)), (posting, [seal()]))
    with pytest.raises(DBAPIError, match="posting is sealed already"):
        await write(store, (entry, sides(5, -5, first=3)))


async def test_a_posting_is_not_sealed_twice(store: Store):
    """A second posting of the same id is refused, also in its place."""
    await write(store, (entry, sides(100, -100)), (posting, [seal()]))
    words = {"sqlite": "INSERT OR REPLACE", "postgresql": "INSERT"}
    async with store.read() as tx:
        again = f"{words[tx.engine]} INTO posting SELECT * FROM posting"

    async def tamper() -> None:
        async with store.begin() as tx:
            await tx.driver(again)

    with pytest.raises(DBAPIError, match=r"sealed already|duplicate key"):
        await tamper()
    assert len(await rows(store, posting)) == 1


async def test_what_is_put_in_by_conflict_does_not_change_it(store: Store):
    """The way around an INSERT, that writes where a key exists, is a change like any other."""
    await write(store, (entry, sides(100, -100)), (posting, [seal()]))
    for table, key, change in (
        ("entry", "posting_id, n", "amount_minor = 7"),
        ("posting", "id", "posted_at = 7"),
    ):
        way = f"INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT ({key})"

        async def tamper(sql: str = f"{way} DO UPDATE SET {change}") -> None:
            async with store.begin() as tx:
                await tx.driver(sql)

        with pytest.raises(DBAPIError, match=r"only grows|sealed already"):
            await tamper()
    assert {row[4] for row in await rows(store, entry)} == {-100, 100}


async def test_an_entry_needs_its_seal(store: Store):
    """Entries that no posting seals do not outlive their transaction."""
    with pytest.raises(DBAPIError):
        await write(store, (entry, sides(100, -100)))
    assert await rows(store, entry) == []


async def test_a_line_needs_its_invoice(office: Office):
    """Lines are written before their invoice, and do not outlive their transaction without one."""
    (made,) = await office.sign_up(household("100001"))
    await office.settle(made.account)
    before = await rows(office.store, invoice_line)
    (line,) = (dict(zip(invoice_line.c.keys(), row, strict=True)) for row in before)
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
        await write(office.store, (invoice_line, [line | {"invoice_id": "X" * 26, "take": 9}]))
    assert await rows(office.store, invoice_line) == before


GROWING = (
    *("entry", "posting", "invoice", "invoice_line", "allocation"),
    *("credit_note", "credit_line", "write_off", "goodwill"),
    *("voided", "proforma", "audit_link", "catalog_version"),
)
# These have tests of their own.
ELSEWHERE = {
    *("audit", "invoice_discount", "point_entry", "bank_statement", "bank_part", "bank_undone"),
    *("bank_aside", "bank_aside_undone", "receipt", "receipt_print", "drawer_entry"),
}
CHANGES = {
    "entry": "amount_minor = amount_minor + 1",
    "posting": "posted_at = posted_at + 1",
    "invoice": "due_on = '2030-01-01'",
    "invoice_line": "amount_minor = amount_minor + 1",
    "allocation": "amount_minor = amount_minor + 1",
    "credit_note": "issued_on = '2030-01-01'",
    "credit_line": "amount_minor = amount_minor + 1",
    "write_off": "reason = 'none'",
    "goodwill": "reason = 'none'",
    "voided": "reason = 'none'",
    "proforma": "net_minor = net_minor + 1",
    "audit_link": "digest = 'none'",
    "catalog_version": "name = 'none'",
}


async def test_the_books_only_grow(office: Office):
    """No posting, document, line, allocation or write-off is changed, deleted, replaced, emptied.

    Of every table that verify expects to be guarded so.
    """
    assert {*GROWING, *ELSEWHERE} == {table.name for table in schema.GROWING}
    await office.join(method=None)
    await cash(office)
    (number,) = await open_items(office.store)
    wish = Goodwill(of=Rate.parse("10%"), reason="kind", reference="R-1")
    await office.run(lambda tx: give(office.desk, tx, f"{number}.1", wish, office.now, by="ann"))
    async with office.store.begin() as tx:
        await write_off_invoice(office.desk, tx, number, office.now, reason="gone")
    service, today = await service_of(office), office.now.date()
    await moved(office, fact(Possession.HANDED_OVER, service, today))
    await moved(office, fact(Possession.RETURNED, service, today))
    await put_what_else_grows(office, number)
    tables = (*ALL, write_off, goodwill, voided, proforma, audit_link, catalog_version)
    before = await everything(office.store, tables)
    detours = {
        "sqlite": "INSERT OR REPLACE INTO {0} SELECT * FROM {0}",
        "postgresql": "TRUNCATE {0} CASCADE",
    }

    async def tamper(change: str) -> None:
        async with office.store.begin() as tx:
            await tx.driver(change)

    async with office.store.read() as tx:
        detour = detours[tx.engine]
    for table in GROWING:
        assert before[table], f"{table} is empty, so nothing was tried"
        for change in (f"UPDATE {table} SET {CHANGES[table]}", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="only grows"):
                await tamper(change)
        with pytest.raises(DBAPIError, match=r"only grows|sealed already"):
            await tamper(detour.format(table))
    assert await everything(office.store, tables) == before


async def put_what_else_grows(office: Office, number: str) -> None:
    """Put a row into each table that this story leaves empty."""
    today, at = office.now.date(), office.now
    async with office.store.begin() as tx:
        one = await tx.first(select(invoice).where(invoice.c.number == number))
        assert one is not None
        await record(tx, [Deed(at=at, actor="ann", action="invoice.void", subject=one.id)])
        deed = await tx.scalar(select(func.max(audit.c.position)))
        await tx.insert(audit_link, [{"n": 1, "deed": deed, "digest": "f"}])
        void = {"invoice_id": one.id, "is_charged_again": False, "voided_at": at}
        await tx.insert(voided, [void | {"voided_by": "ann", "reason": "wrong"}])
        paper = {"id": "F", "sequence": 1, "number": "F-1", "account_id": one.account_id}
        paper |= {"currency": "EUR", "issued_on": today, "issued_at": at, "billed_on": today}
        paper |= {"valid_until": today, "net_minor": 1, "tax_minor": 0, "groups": "", "lines": ""}
        await tx.insert(proforma, [paper])


async def cash(office: Office) -> None:
    """Let the household pay a part in cash."""
    async with office.store.begin() as tx:
        await take_cash(
            office.desk, tx, "100001", office.now, amount=Money(1000, "EUR"), reference="R-1"
        )
    await office.settle(*office.looks)


async def test_code_and_database_agree(store: Store):
    """What the model makes is what the database takes; what it refuses never gets there."""
    good = Posting(
        id="P",
        kind=PostingKind.INVOICE,
        account=ACCOUNT,
        on=date(2026, 3, 11),
        at=AT,
        entries=[
            Entry(book=Book.RECEIVABLE, party=ACCOUNT, amount=Money(120, "EUR")),
            Entry(book=Book.REVENUE, party="", amount=Money(-100, "EUR")),
            Entry(book=Book.TAX, party="standard", amount=Money(-20, "EUR")),
        ],
    )
    async with store.begin() as tx:
        await ledger.write(tx, [good])
    assert sum((await balances(store)).values()) == 0
    assert (await balances(store))["tax", "standard", "EUR"] == -20
