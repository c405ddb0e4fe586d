"""Plain text accounting as three programs read it. Pure.

Sources: the Beancount language syntax (beancount.github.io/docs), the hledger journal format
(hledger.org/hledger.html) and the Ledger 3 manual (ledger-cli.org/doc/ledger3.html).
Every amount has all decimals of its currency, and nothing is left for a program to balance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from billing.ledger.model import Book, Entry
from billing.reads.journal.pages import Written
from terms.money import Money, exponent

ACCOUNTS: Mapping[Book, str] = {
    Book.RECEIVABLE: "Assets:Receivable",
    Book.CLEARING: "Assets:Clearing",
    Book.VOUCHERS: "Assets:Vouchers",
    Book.CREDIT: "Liabilities:Credit",
    Book.DEPOSIT: "Liabilities:Deposit",
    Book.LOYALTY: "Liabilities:Loyalty",
    Book.DEFERRED: "Liabilities:Deferred",
    Book.TAX: "Liabilities:Tax",
    Book.REVENUE: "Income:Revenue",
    Book.PROMOTION: "Expenses:Promotion",
    Book.WRITE_OFF: "Expenses:Write-Off",
    Book.SUSPENSE: "Liabilities:Suspense",
    Book.BANK_CHARGES: "Expenses:Bank-Charges",
    Book.FEES: "Expenses:Provider-Fees",
    Book.OVER_SHORT: "Expenses:Over-Short",
    Book.OUTSIDE: "Equity:Outside",
}
# A part of these is a provider, a batch of vouchers, a tax or a till, and an account of its own; of
# the others a household.
OF_PARTIES = frozenset({Book.CLEARING, Book.FEES, Book.VOUCHERS, Book.TAX, Book.OVER_SHORT})
# Before anything that can be posted.
OPENED_ON = "1970-01-01"
_PLAIN = re.compile(r"(?!x-)[0-9a-z][0-9A-Za-z-]*")


def account_name(book: Book, party: str) -> str:
    """Name a book, or a party's part of it; different parties have different names."""
    if book not in OF_PARTIES or not party:
        return ACCOUNTS[book]
    plain = _PLAIN.fullmatch(party)
    part = party[0].upper() + party[1:] if plain else f"X-{party.encode().hex()}"
    return f"{ACCOUNTS[book]}:{part}"


@dataclass(slots=True)
class Format:
    """A journal on its way out; remembers only which accounts and currencies were declared."""

    head: str
    declare_currency: Callable[[str], str]
    declare_account: Callable[[str], str]
    heading: Callable[[Written], str]
    _declared: set[str] = field(default_factory=set)

    def text(self, one: Written) -> str:
        """Write a posting, behind whatever it is the first to need."""
        return "".join(f"{line}\n" for line in self._lines(one))

    def _lines(self, one: Written) -> Iterator[str]:
        for side in one.entries:
            yield from self._first(side.amount.currency, self.declare_currency)
            yield from self._first(account_name(side.book, side.party), self.declare_account)
        yield self.heading(one)
        yield from map(_side, one.entries)
        yield ""

    def _first(self, name: str, declare: Callable[[str], str]) -> Iterator[str]:
        if name not in self._declared:
            self._declared.add(name)
            if said := declare(name):
                yield said


def _side(one: Entry) -> str:
    return f"  {account_name(one.book, one.party):<40}  {one.amount!s}"


def _amount(units: int, currency: str) -> str:
    return str(Money(units * 10 ** exponent(currency), currency))


def _marked(currency: str) -> str:
    """Give a sample of a currency, which has a decimal mark even without decimals."""
    number, _, name = _amount(1000, currency).partition(" ")
    return f"{number} {name}" if "." in number else f"{number}. {name}"


def beancount() -> Format:
    """Write for Beancount 3; nothing may be missing, not a fraction of a cent."""
    return Format(
        head='option "title" "Boxoffice"\noption "tolerance_multiplier" "0"\n\n',
        declare_currency=lambda _: "",
        declare_account=lambda name: f"{OPENED_ON} open {name}",
        heading=lambda one: f'{one.on} * "{one.account}" "{one.kind}"\n  posting: "{one.id}"',
    )


def hledger() -> Format:
    """Write for hledger, so that `--strict` finds everything declared."""
    return Format(
        head="; Boxoffice\ndecimal-mark .\n\n",
        declare_currency=lambda name: f"commodity {_marked(name)}",
        declare_account=lambda name: f"account {name}",
        heading=lambda one: f"{one.on} * ({one.id}) {one.account} | {one.kind}",
    )


def ledger() -> Format:
    """Write for Ledger, so that `--pedantic` finds everything declared."""
    return Format(
        head="; Boxoffice\n\n",
        declare_currency=lambda name: f"commodity {name}\n  format {_amount(1000, name)}",
        declare_account=lambda name: f"account {name}",
        heading=lambda one: f"{one.on} * ({one.id}) {one.account} | {one.kind}",
    )


FORMATS: Mapping[str, Callable[[], Format]] = {
    "beancount": beancount,
    "hledger": hledger,
    "ledger": ledger,
}
