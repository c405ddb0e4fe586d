"""The exported journal says to Beancount, hledger and Ledger what our trial balance says."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest

from billing.flows.earn import earn
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.reads import books, journal
from billing.reads.journal import FORMATS, Span, pages
from billing.reads.journal.formats import ACCOUNTS, account_name
from runtime.store import Store
from terms.ids import AccountId
from terms.money import Money, exponent
from tests.conftest import missing
from tests.fixtures.billing import Office
from tests.flows.billing.test_books import give_up, pay, unpaid
from tests.services import peers

Sums = dict[tuple[str, str], Decimal]
# Parties whose names are no names of accounts, or differ in nothing but their case.
PARTIES = ("cards", "Cards", "x-63", "bank & co", "日本", 'a"b;c', "vat:10")


async def busy(office: Office) -> None:
    """Fill every book, in currencies with two decimals, none and three."""
    await unpaid(office, bill_day=15)
    await pay(office, "R-1", 1234)
    await office.live(list(office.looks), datetime(2026, 5, 20, tzinfo=UTC))
    async with office.store.begin() as tx:
        while await earn(tx, office.now):
            pass
    await give_up(office, "INV-00000002")
    await pay(office, "R-2", 99_999)
    await unpaid(office, "100002", currency="JPY")
    async with office.store.begin() as tx:
        await ledger.write(tx, [of_party(n, *each) for n, each in enumerate(ODD)])


ODD = tuple(
    (party, Money(amount, currency))
    for party in PARTIES
    for amount, currency in ((5, "JPY"), (1, "KWD"), (10**14 + 1, "KWD"), (-7, "EUR"))
)


def of_party(n: int, party: str, amount: Money) -> Posting:
    """Make a posting between two parties' parts of books."""
    return Posting(
        id=f"ODD-{n}",
        kind=PostingKind.PAYMENT,
        account=AccountId("nobody"),
        on=date(2026, 5, 1 + n),
        at=datetime(2026, 5, 1, tzinfo=UTC),
        entries=entries(
            (Book.CLEARING, party, amount),
            (Book.TAX, party, amount),
            (Book.DEPOSIT, "A", -amount),
            (Book.REVENUE, "", -amount),
            (Book.PROMOTION, "", amount),
            (Book.LOYALTY, "A", -amount),
            (Book.VOUCHERS, party, amount),
            (Book.WRITE_OFF, "", -amount),
            (Book.SUSPENSE, "A", amount),
            (Book.BANK_CHARGES, "bank", -amount),
            (Book.FEES, party, amount),
            (Book.DEPOSIT, "A", -amount),
            (Book.OUTSIDE, "", amount),
            (Book.OVER_SHORT, party, -amount),
        ),
    )


async def exported(store: Store, form: str, span: Span | None = None) -> str:
    """Write the journal in a format."""
    out = FORMATS[form]()
    text, after = [out.head], ""
    while True:
        async with store.read() as tx:
            found = await journal.page(tx, span or Span(), after)
        if not found:
            return "".join(text)
        text += [out.text(one) for one in found]
        after = found[-1].id


async def balances(store: Store, until: date | None = None) -> Sums:
    """Read our trial balance under the names that accounts have in a journal."""
    async with store.read() as tx:
        found = await books.trial(tx, until)
    sums: Sums = {}
    for one in found:
        if one.balance.amount_minor:
            places = exponent(one.balance.currency)
            key = (account_name(one.book, one.party), one.balance.currency)
            sums[key] = Decimal(one.balance.amount_minor).scaleb(-places)
    return sums


def by_beancount(path: Path) -> Sums:
    """Have Beancount sum it up; it may find nothing to complain of, with no tolerance at all."""
    found, errors, _ = import_module("beancount.loader").load_file(str(path))
    assert errors == []
    sums: Sums = {}
    for one in found:
        for side in getattr(one, "postings", ()):
            key = (side.account, side.units.currency)
            sums[key] = sums.get(key, Decimal(0)) + side.units.number
    return {key: amount for key, amount in sums.items() if amount}


def by_hledger(path: Path) -> Sums:
    """Have hledger check it strictly and sum it up."""
    run("hledger", "-f", path, "check", "--strict", "balancednoautoconversion")
    told = run("hledger", "-f", path, "balance", "--flat", "--no-total", "-O", "csv")
    rows = list(csv.reader(io.StringIO(told)))[1:]
    return {
        (name, amount.split()[1]): Decimal(amount.split()[0])
        for name, sums in rows
        for amount in sums.split(", ")
    }


def by_ledger(path: Path) -> Sums:
    """Have Ledger read it pedantically and sum it up."""
    form = "%(account)|%(scrub(display_total))\n"
    words = ("balance", "--flat", "--no-total", "--balance-format", form)
    told = run("ledger", "--args-only", "--pedantic", "-f", path, *words)
    sums: Sums = {}
    name = ""
    for line in told.splitlines():
        account, bar, amount = line.rpartition("|")
        name = account if bar else name
        number, currency = amount.split()
        sums[name, currency] = Decimal(number)
    return sums


def run(program: str, *words: object) -> str:
    """Run a program of others; whatever it complains of fails the test."""
    path = peers.find(program)
    if path is None:
        missing(peers.missing([program]))
    command = [str(path), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


READERS: dict[str, Callable[[Path], Sums]] = {
    "beancount": by_beancount,
    "hledger": by_hledger,
    "ledger": by_ledger,
}


async def test_every_balance_agrees(office: Office, tmp_path: Path):
    """Each account of each reader has our balance, to the last minor unit, and none is missing."""
    await busy(office)
    ours = await balances(office.store)
    assert {name.split(":")[1] for name, _ in ours} == {name.split(":")[1] for name in NAMES}
    assert {currency for _, currency in ours} == {"EUR", "JPY", "KWD"}
    for form, read in READERS.items():
        path = tmp_path / f"journal.{form}"
        path.write_text(await exported(office.store, form), "utf-8")
        assert read(path) == ours, form


NAMES = frozenset(ACCOUNTS.values())


async def test_a_span_is_what_was_booked_in_it(office: Office, tmp_path: Path):
    """Up to a day it is the trial balance of that day; from the next on, the rest."""
    await busy(office)
    day = date(2026, 4, 20)
    path = tmp_path / "journal"
    path.write_text(await exported(office.store, "beancount", Span(until=day)), "utf-8")
    first = by_beancount(path)
    assert first == await balances(office.store, day)
    since = Span(since=date(2026, 4, 21))
    path.write_text(await exported(office.store, "beancount", since), "utf-8")
    rest = by_beancount(path)
    both = {key: first.get(key, 0) + rest.get(key, 0) for key in first.keys() | rest.keys()}
    assert {key: amount for key, amount in both.items() if amount} == await balances(office.store)


async def test_page_by_page_it_is_the_same(office: Office, monkeypatch):
    """However small its pages are, the text is the same."""
    await busy(office)
    for form in FORMATS:
        whole = await exported(office.store, form)
        with monkeypatch.context() as small:
            small.setattr(pages, "POSTINGS_AT_ONCE", 3)
            assert await exported(office.store, form) == whole


async def test_a_changed_cent_is_noticed(office: Office, tmp_path: Path):
    """A journal that lacks a thousandth balances for none of them."""
    await busy(office)
    for form, read in READERS.items():
        path = tmp_path / f"journal.{form}"
        text = await exported(office.store, form)
        assert "  0.001 KWD" in text
        path.write_text(text.replace("  0.001 KWD", "  0.002 KWD", 1), "utf-8")
        with pytest.raises(AssertionError):
            read(path)


def test_every_book_has_an_account():
    """No book is without a name, and no two share one, nor do two parties."""
    assert set(ACCOUNTS) == set(Book)
    assert len(NAMES) == len(ACCOUNTS)
    assert len({account_name(Book.TAX, party) for party in PARTIES}) == len(PARTIES)
