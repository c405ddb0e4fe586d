"""An invoice: lines, their tax groups, a gapless number, a due date. It is never changed.

What is still owed of it is an open item (billing.payments), not part of the document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.accounts.model import Account
from billing.ledger.deferral import month_end
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.rating.model import FEES, Charge, Line, LineKind
from billing.tax.assessment import Assessor, Taxable, Where
from billing.tax.levels import Split
from billing.tax.model import TaxGroup
from terms.calendar import days_after
from terms.ids import AccountId, InvoiceId
from terms.money import Money, total

SERIES = "INV"
NUMBER_DIGITS = 8
_LINE = re.compile(r"(?P<document>.+)\.(?P<n>[1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One document. `splits` take its lines apart one by one; `net` and `tax` are their sums."""

    id: InvoiceId
    series: str
    sequence: int
    account: AccountId
    issued_on: date
    issued_at: datetime
    due_on: date
    lines: Sequence[Line]
    splits: Sequence[Split]
    groups: Sequence[TaxGroup]
    net: Money
    tax: Money

    @property
    def number(self) -> str:
        """The number people see."""
        return number(self.series, self.sequence)

    @property
    def total(self) -> Money:
        """What is to be paid."""
        return self.net + self.tax

    @property
    def is_fee(self) -> bool:
        """Whether it is of fees: they stand on no invoice with anything else."""
        return self.lines[0].charge.kind in FEES


def line_named(text: str) -> tuple[str, int] | None:
    """Take the name of a line apart: INV-00000012.3 is the third of a document."""
    found = _LINE.fullmatch(text)
    return (found["document"], int(found["n"])) if found else None


def number(series: str, sequence: int) -> str:
    """Write a document number."""
    return f"{series}-{sequence:0{NUMBER_DIGITS}d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What an invoice has besides its lines. `is_prepaid`: it must be paid before it goes live."""

    id: InvoiceId
    sequence: int
    at: datetime
    is_prepaid: bool


def draw_up(account: Account, heading: Heading, lines: Sequence[Line], taxes: Assessor) -> Invoice:
    """Make an invoice of lines. Raises NotFound where a tax has no rate on the day of issue."""
    issued_on = account.today(heading.at)
    where = Where(account.currency, issued_on, account.jurisdiction)
    assessed = taxes.assess(tuple(_taxable(line.charge) for line in lines), where)
    terms_days = 0 if heading.is_prepaid else account.terms_days
    return Invoice(
        id=heading.id,
        series=SERIES,
        sequence=heading.sequence,
        account=account.id,
        issued_on=issued_on,
        issued_at=heading.at,
        due_on=days_after(issued_on, terms_days),
        lines=lines,
        splits=assessed.splits,
        groups=assessed.groups,
        net=assessed.net,
        tax=assessed.tax,
    )


def _taxable(charge: Charge) -> Taxable:
    return Taxable(charge.tax, charge.amount.amount_minor, charge.included)


def posting(invoice: Invoice) -> Posting | None:
    """Book an invoice: the account owes the total, which is revenue, tax, and deposits to hold.

    Of lines that reach beyond the month the revenue is deferred. An invoice of nothing moves no
    money.
    """
    owed = invoice.total
    if not owed.amount_minor:
        return None
    charges = [line.charge for line in invoice.lines]
    held = [one.amount for one in charges if one.kind is LineKind.DEPOSIT]
    deposits = total(held, invoice.net.currency)
    beyond = month_end(invoice.issued_on)
    parts = zip(charges, invoice.splits, strict=True)
    ahead = (split.net for one, split in parts if one.period.end > beyond)
    deferred = total(ahead, invoice.net.currency)
    return Posting(
        id=invoice.id,
        kind=PostingKind.INVOICE,
        account=invoice.account,
        on=invoice.issued_on,
        at=invoice.issued_at,
        entries=entries(
            (Book.RECEIVABLE, invoice.account, owed),
            (Book.DEPOSIT, invoice.account, -deposits),
            (Book.REVENUE, "", deposits + deferred - invoice.net),
            (Book.DEFERRED, "", -deferred),
            *((Book.TAX, group.name, -group.amount) for group in invoice.groups),
        ),
    )
