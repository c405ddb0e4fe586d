"""A credit note: what is given back of invoice lines, as a document of its own. Never changed.

Counted from the original line: at its price and its tax rate, never more than it charged. A line
is credited once; what a person keeps of a deposit stands on its credit too. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.accounts.model import Account
from billing.invoicing.model import number
from billing.ledger.model import Book
from billing.rating.model import Line, LineKind
from billing.tax.model import TaxGroup, grouped
from terms.calendar import Period
from terms.ids import AccountId, InvoiceId
from terms.money import Money, Rate, total

SERIES = "CRN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """Line `n` of an invoice, and the rate it was taxed at; None where it was not taxed."""

    invoice: InvoiceId
    n: int
    line: Line
    rate: Rate | None
    is_credited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """What is given back of a line: `amount`, for the days of `period`; `kept` is not."""

    of: Charged
    label: str
    period: Period
    amount: Money
    kept: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """One document. `net` is the sum of its lines, `tax` that of its groups; both are positive."""

    id: str
    sequence: int
    account: AccountId
    issued_on: date
    issued_at: datetime
    lines: Sequence[CreditLine]
    groups: Sequence[TaxGroup]
    net: Money
    tax: Money

    @property
    def number(self) -> str:
        """The number people see."""
        return number(SERIES, self.sequence)

    @property
    def total(self) -> Money:
        """What is given back."""
        return self.net + self.tax


def rest_of(one: Charged, until_on: date, label: str) -> CreditLine | None:
    """Give back the days of a line from a day on: all but the price of the days before it."""
    line = one.line
    start = max(until_on, line.period.start)
    if start >= line.period.end:
        return None
    used = (start - line.period.start).days
    amount = line.amount - line.rate.portion(used, line.of_days)
    return _credit(one, label, Period(start, line.period.end), amount)


def whole_of(one: Charged, label: str, *, kept_minor: int = 0) -> CreditLine | None:
    """Give back a line that was charged once, but for a part that is kept."""
    kept = Money(kept_minor, one.line.amount.currency)
    return _credit(one, label, one.line.period, one.line.amount - kept, kept)


def _credit(
    one: Charged, label: str, period: Period, amount: Money, kept: Money | None = None
) -> CreditLine | None:
    kept = kept or Money(0, amount.currency)
    if one.is_credited or not (amount.amount_minor or kept.amount_minor):
        return None
    return CreditLine(of=one, label=label, period=period, amount=amount, kept=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHeading:
    """What a credit note has besides its lines."""

    id: str
    sequence: int
    at: datetime


def draw_up_note(account: Account, heading: NoteHeading, lines: Sequence[CreditLine]) -> CreditNote:
    """Make a credit note of lines, each taxed as it was charged."""
    groups = grouped(
        (line.of.line.tax, line.of.rate, line.amount) for line in lines if line.of.rate is not None
    )
    return CreditNote(
        id=heading.id,
        sequence=heading.sequence,
        account=account.id,
        issued_on=account.today(heading.at),
        issued_at=heading.at,
        lines=lines,
        groups=groups,
        net=total((line.amount for line in lines), account.currency),
        tax=total((group.amount for group in groups), account.currency),
    )


def taken_back(note: CreditNote) -> list[tuple[Book, str, Money]]:
    """List what a note takes from our side of the books; what is kept of a deposit becomes ours."""
    currency = note.net.currency
    deposits = [line for line in note.lines if line.of.line.kind is LineKind.DEPOSIT]
    freed = total((line.amount for line in deposits), currency)
    kept = total((line.kept for line in deposits), currency)
    return [
        (Book.DEPOSIT, note.account, freed + kept),
        (Book.REVENUE, "", note.net - freed - kept),
        *((Book.TAX, group.tax, group.amount) for group in note.groups),
    ]
