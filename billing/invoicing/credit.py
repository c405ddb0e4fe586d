"""A credit note: what is given back of invoice lines, as a document of its own. Never changed.

Counted from the original line: at its price and with its own part of the tax, never more than it
charged. Both are cut by what is reached, so that all credits of a line are the line. Each day of a
line is credited once, up to the rest that goodwill, which is for no days, has left; what a person
keeps of a deposit stands on its credit too. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from billing.accounts.model import Account
from billing.catalog.terms import Measure
from billing.invoicing.deferred import Back, Deferred, parts_of
from billing.invoicing.model import number
from billing.ledger.model import Book
from billing.rating.coverage import less
from billing.rating.measure import reached
from billing.rating.model import Line, LineKind
from billing.tax.levels import Split
from billing.tax.model import TaxGroup
from terms.calendar import Period, days_after
from terms.errors import Invalid
from terms.ids import AccountId, InvoiceId
from terms.money import Money, Rate, divide_half_up, total

SERIES = "CRN"


class Given(NamedTuple):
    """Line `n` of a credit note: what it gave back of a line, and what it kept, in minor units.

    Its `period` are the days it was for, or those of the line; goodwill that took of what is
    deferred says on which day.
    """

    note: str
    n: int
    amount: int
    tax: int
    kept: int
    is_goodwill: bool
    period: Period
    sequence: int = 0
    net: int = 0
    deferred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """Line `n` of an invoice, its net and tax, the group it was taxed in if it was, the days given
    back of it, and all that was `given` back, of no days too.

    `deferred_on` is the day on which its invoice was booked, where some of that was deferred.
    """

    invoice: InvoiceId
    n: int
    line: Line
    split: Split
    group: TaxGroup | None
    deferred_on: date | None = None
    credited: tuple[Period, ...] = ()
    given: frozenset[Given] = frozenset()

    @property
    def rest(self) -> Money:
        """What of its amount was neither given back nor kept."""
        gone = sum(one.amount + one.kept for one in self.given)
        return self.line.charge.amount - Money(gone, self.split.net.currency)

    @property
    def held(self) -> list[Period]:
        """The days that are charged and were not given back."""
        return list(less([self.line.charge.period], self.credited))

    def less(self, period: Period) -> Charged:
        """Return it with days given back, told once or twice."""
        return replace(self, credited=tuple(sorted({*self.credited, period})))

    def gave(self, one: Given) -> Charged:
        """Return it with what a note gave back of it, told once or twice."""
        return replace(self, given=self.given | {one})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """What is given back of a line: `amount`, for the days of `period`; `kept` is not.

    The amount includes its tax where that of the line does; `split` takes it apart. What is given
    as `goodwill` has the id of that, and is for no days: its period is that of the line. What is
    for days has the `zone` in which they were counted.
    """

    of: Charged
    label: str
    period: Period
    amount: Money
    split: Split
    kept: Money
    goodwill: str = ""
    zone: str = ""


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

    def by_invoice(self) -> dict[InvoiceId, int]:
        """Sum what is given back of each invoice, in minor units with tax."""
        sums: dict[InvoiceId, int] = {}
        for line in self.lines:
            back = line.split.net + line.split.tax
            sums[line.of.invoice] = sums.get(line.of.invoice, 0) + back.amount_minor
        return sums


def days_of(one: Charged, period: Period, zone: str) -> CreditLine | None:
    """Give back days of a line: what it charged for them."""
    before, after = (cost_until(one, day, zone) for day in (period.start, period.end))
    credit = _credit(one, period, before, after)
    return replace(credit, zone=zone) if credit else None


def whole_of(one: Charged, *, kept_minor: int = 0) -> CreditLine | None:
    """Give back a line that was charged once, but for a part that is kept."""
    charge = one.line.charge
    return _credit(one, charge.period, kept_minor, charge.amount.amount_minor, kept_minor)


def execute_credit(one: CreditLine, zone: str) -> Money:
    """Compute what a credit comes to, by the line it is of, its days and what of it is kept.

    The line is as it stood before; what goodwill comes to is a person's word, up to its rest.
    """
    if one.goodwill:
        return min(one.amount, one.of.rest)
    if one.of.line.charge.measure is Measure.WHOLE:
        again = whole_of(one.of, kept_minor=one.kept.amount_minor)
    else:
        again = days_of(one.of, one.period, zone)
    cut = within_rest([again] if again else [])
    return cut[0].amount if cut else Money(0, one.amount.currency)


def goodwill_of(one: Charged, amount: Money, goodwill: str) -> CreditLine:
    """Give back an amount of a line for no days of it, whatever the reason.

    Raises Invalid for more than it holds, or for nothing.
    """
    if not 0 < amount.amount_minor <= one.rest.amount_minor:
        why = f"must be above nothing and no more than {one.rest}, which is left of the line"
        raise Invalid("amount", why)
    return CreditLine(
        of=one,
        label=one.line.label,
        period=one.line.charge.period,
        amount=amount,
        split=_rest_part(one, amount.amount_minor),
        kept=Money(0, amount.currency),
        goodwill=goodwill,
    )


def within_rest(lines: Iterable[CreditLine]) -> list[CreditLine]:
    """Cut credits, one after the other, to what is left of lines that goodwill took of.

    What is left gives back the first of the days: those behind them stay charged, so that nobody
    pays them again who has them after all. Of other lines each credit is for days of its own, so
    that there is nothing to cut.
    """
    found: list[CreditLine] = []
    stands: dict[tuple[InvoiceId, int], Charged] = {}
    for credit in lines:
        key = credit.of.invoice, credit.of.n
        of = stands.get(key, credit.of)
        if credit.goodwill or any(one.is_goodwill for one in of.given):
            credit = _cut(credit, of)  # noqa: PLW2901 - cut
        stands[key] = replace(of, given=of.given | {_given(credit, len(found))})
        if credit.amount.amount_minor or credit.kept.amount_minor:
            found.append(credit)
    return found


def _cut(credit: CreditLine, of: Charged) -> CreditLine:
    """Cut a credit to what is left of its line, and to the days that this gives back."""
    amount, period = min(credit.amount, of.rest), credit.period
    if credit.zone and 0 < amount.amount_minor < credit.amount.amount_minor:
        before = cost_until(of, period.start, credit.zone)
        end = days_after(period.start, 1)
        while cost_until(of, end, credit.zone) - before < amount.amount_minor:
            end = days_after(end, 1)
        period = Period(period.start, end)
    split = _rest_part(of, amount.amount_minor)
    return replace(credit, amount=amount, period=period, split=split)


def _given(one: CreditLine, n: int) -> Given:
    """Count a credit that is about to be given, the n-th."""
    return Given(
        note="",
        n=n,
        amount=one.amount.amount_minor,
        tax=one.split.tax.amount_minor,
        kept=one.kept.amount_minor,
        is_goodwill=bool(one.goodwill),
        period=one.period,
    )


def _rest_part(one: Charged, amount: int) -> Split:
    """Take apart what is given back of the rest of a line, whatever was given back before.

    The tax is what is reached with it, less what was: all parts sum to that of the line, and
    neither tax nor net is ever below nothing or more than is left.
    """
    charged, (net, tax) = one.line.charge.amount, (one.split.net, one.split.tax)
    before = sum(each.amount for each in one.given)
    taxed = sum(each.tax for each in one.given)
    left = tax.amount_minor - taxed
    part = min(tax.portion(before + amount, charged.amount_minor or 1).amount_minor - taxed, left)
    part = max(part, 0)
    if net == charged:
        return Split(Money(amount, net.currency), Money(part, net.currency))
    part = min(max(part, before + amount - taxed - net.amount_minor), amount)
    return Split(Money(amount - part, net.currency), Money(part, net.currency))


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
    deferred = total(_deferred(note), currency)
    return [
        (Book.DEPOSIT, note.account, freed + kept),
        (Book.REVENUE, "", note.net - freed - kept - deferred),
        (Book.DEFERRED, "", deferred),
        *((Book.TAX, group.name, group.amount) for group in note.groups),
    ]


def _deferred(note: CreditNote) -> Iterator[Money]:
    """Tell of each line what it takes of what is not earned yet."""
    before: dict[tuple[InvoiceId, int], list[Back]] = {}
    for one in note.lines:
        of = one.of
        if of.deferred_on is None:
            continue
        backs = before.setdefault((of.invoice, of.n), _backs(of))
        net, is_goodwill = one.split.net, bool(one.goodwill)
        backs.append(Back(net=net, period=one.period, is_goodwill=is_goodwill, on=note.issued_on))
        period = of.line.charge.period
        line = Deferred(period=period, net=of.split.net, booked_on=of.deferred_on)
        if part := parts_of(line, backs)[-1]:
            yield part.amount


def _backs(one: Charged) -> list[Back]:
    """List what was given back of a line, the oldest first."""
    currency = one.split.net.currency
    return [
        Back(
            net=Money(each.net, currency),
            period=each.period,
            is_goodwill=each.is_goodwill,
            on=each.deferred_on,
        )
        for each in sorted(one.given, key=lambda each: (each.sequence, each.n))
    ]
