"""A credit note: what is given back of invoice lines, as a document of its own. Never changed.

Counted from the original line: at its price and with its own part of the tax, never more than it
charged. Both are cut by what is reached, so that all credits of a line are the line. Each day of a
line is credited once; what a person keeps of a deposit stands on its credit too. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from billing.accounts.model import Account
from billing.catalog.terms import Measure
from billing.invoicing.model import number
from billing.ledger.deferral import unearned, unearned_part
from billing.ledger.model import Book
from billing.rating.coverage import less
from billing.rating.measure import reached
from billing.rating.model import Line, LineKind
from billing.tax.levels import Split
from billing.tax.model import TaxGroup
from terms.calendar import Period
from terms.ids import AccountId, InvoiceId
from terms.money import Money, Rate, divide_half_up, total

SERIES = "CRN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """Line `n` of an invoice, its net and tax, the group it was taxed in if it was, the days given
    back of it.

    `deferred_on` is the day on which its invoice was booked, where some of that was deferred.
    """

    invoice: InvoiceId
    n: int
    line: Line
    split: Split
    group: TaxGroup | None
    deferred_on: date | None = None
    credited: tuple[Period, ...] = ()

    @property
    def held(self) -> list[Period]:
        """The days that are charged and were not given back."""
        return list(less([self.line.charge.period], self.credited))

    def less(self, period: Period) -> Charged:
        """Return it with days given back, told once or twice."""
        return replace(self, credited=tuple(sorted({*self.credited, period})))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """What is given back of a line: `amount`, for the days of `period`; `kept` is not.

    The amount includes its tax where that of the line does; `split` takes it apart.
    """

    of: Charged
    label: str
    period: Period
    amount: Money
    split: Split
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


def days_of(one: Charged, period: Period, zone: str) -> CreditLine | None:
    """Give back days of a line: what it charged for them."""
    before, after = (cost_until(one, day, zone) for day in (period.start, period.end))
    return _credit(one, period, before, after)


def whole_of(one: Charged, *, kept_minor: int = 0) -> CreditLine | None:
    """Give back a line that was charged once, but for a part that is kept."""
    charge = one.line.charge
    return _credit(one, charge.period, kept_minor, charge.amount.amount_minor, kept_minor)


def execute_credit(one: CreditLine, zone: str) -> Money:
    """Compute what a credit comes to, by the line it is of, its days and what of it is kept."""
    if one.of.line.charge.measure is Measure.WHOLE:
        again = whole_of(one.of, kept_minor=one.kept.amount_minor)
    else:
        again = days_of(one.of, one.period, zone)
    return again.amount if again else Money(0, one.amount.currency)


def cost_until(one: Charged, day: date, zone: str) -> int:
    """Tell what a line charged for its days before a day, in minor units.

    By days of its period, as it was charged, after discounts; where it charged less than its
    price, in proportion.
    """
    charge = one.line.charge
    rate = charge.rate.amount_minor - charge.off_minor
    priced = charge.share.part(rate)
    cost = reached(charge.period, charge.share, charge.measure, day, zone).part(rate)
    if priced in (0, charge.amount.amount_minor):
        return cost
    return divide_half_up(charge.amount.amount_minor * cost, priced)


def _credit(
    one: Charged, period: Period, before: int, after: int, kept_minor: int = 0
) -> CreditLine | None:
    """Give back what a line charged from an amount up to another."""
    if not (after - before or kept_minor):
        return None
    currency = one.line.charge.amount.currency
    return CreditLine(
        of=one,
        label=one.line.label,
        period=period,
        amount=Money(after - before, currency),
        split=_part(one, before, after),
        kept=Money(kept_minor, currency),
    )


def _part(one: Charged, before: int, after: int) -> Split:
    """Take apart what lies between two amounts of a line."""
    charged, (net, tax) = one.line.charge.amount, (one.split.net, one.split.tax)
    amount = Money(after - before, tax.currency)
    if not tax.amount_minor:
        return Split(amount, tax)
    upto, since = (tax.portion(each, charged.amount_minor) for each in (after, before))
    part = upto - since
    return Split(amount if net == charged else amount - part, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHeading:
    """What a credit note has besides its lines."""

    id: str
    sequence: int
    at: datetime


def draw_up_note(account: Account, heading: NoteHeading, lines: Sequence[CreditLine]) -> CreditNote:
    """Make a credit note of lines, each taxed as it was charged."""
    return CreditNote(
        id=heading.id,
        sequence=heading.sequence,
        account=account.id,
        issued_on=account.today(heading.at),
        issued_at=heading.at,
        lines=lines,
        groups=_groups(lines),
        net=total((line.split.net for line in lines), account.currency),
        tax=total((line.split.tax for line in lines), account.currency),
    )


def _groups(lines: Sequence[CreditLine]) -> list[TaxGroup]:
    """Sum what is given back of each tax and rate, sorted by both."""
    found: dict[tuple[str, Rate], TaxGroup] = {}
    for line in lines:
        group, split = line.of.group, line.split
        if group is not None:
            key = group.name, group.rate
            held = found.get(key)
            net, tax = (
                (split.net, split.tax)
                if held is None
                else (held.net + split.net, held.amount + split.tax)
            )
            found[key] = replace(group, net=net, amount=tax)
    return [found[key] for key in sorted(found)]


def taken_back(note: CreditNote) -> list[tuple[Book, str, Money]]:
    """List what a note takes from our side of the books; what is kept of a deposit becomes ours.

    Of days whose revenue is not earned yet it is taken from what is deferred.
    """
    currency = note.net.currency
    deposits = [line for line in note.lines if line.of.line.charge.kind is LineKind.DEPOSIT]
    freed = total((line.amount for line in deposits), currency)
    kept = total((line.kept for line in deposits), currency)
    deferred = total((_deferred(line, note.issued_on) for line in note.lines), currency)
    return [
        (Book.DEPOSIT, note.account, freed + kept),
        (Book.REVENUE, "", note.net - freed - kept - deferred),
        (Book.DEFERRED, "", deferred),
        *((Book.TAX, group.name, group.amount) for group in note.groups),
    ]


def _deferred(line: CreditLine, on: date) -> Money:
    """Tell what of a credit is not earned yet."""
    if line.of.deferred_on is None:
        return Money(0, line.amount.currency)
    still = unearned(line.period, line.of.line.charge.period.end, line.of.deferred_on, on)
    return unearned_part(line.split.net, line.period, still)
