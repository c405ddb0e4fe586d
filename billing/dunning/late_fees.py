"""Late fees: one that is charged once, and a share of what is open, by whole months or by days.

A pure function of invoices, money, promises and clock: the fees that should be are compared with
those there are. Fees bear no fees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from billing.dunning.overdue import Bill, History, Steps
from billing.rating.coverage import less
from terms.calendar import Period, anchored, days_after
from terms.errors import Invalid
from terms.ids import InvoiceId
from terms.money import PER_MILLION, Rate, divide_half_up

DAYS_MAX = 3_650
MONTHS_MAX = 120  # of one invoice
AMOUNT_MINOR_MAX = 10**15
LABEL_CHARS_MAX = 80
YEAR_DAYS, YEAR_MONTHS = 365, 12
ONCE = 0  # the place of the fee that is charged once; those of months are counted from 1


class Per(StrEnum):
    """What a share is for."""

    MONTH = "month"
    YEAR = "year"


class By(StrEnum):
    """How a share is counted."""

    MONTHS = "months"  # of what is open when a month is over; a begun one counts nothing
    DAYS = "days"  # of what was open on each day


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFees:
    """What is charged for invoices that are due from `from_on` on and are not paid in time.

    `once_minor` after so many days; `rate` from the day on that is `grace_days` and one behind the
    due date. Nothing on less than `least_minor`, and never more than the caps for one invoice. Only
    accounts in its currency bear it. Days that a promise covers do not count, unless it is
    `despite_promise`. Raises Invalid.
    """

    from_on: date
    currency: str
    once_minor: int = 0
    once_after_days: int = 1
    rate: Rate | None = None
    per: Per = Per.MONTH
    by: By = By.MONTHS
    grace_days: int = 0
    least_minor: int = 0
    cap_minor: int | None = None
    cap_share: Rate | None = None
    tax: str = ""
    label: str = "Late fee"
    despite_promise: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.once_after_days <= DAYS_MAX:
            raise Invalid("once_after_days", f"must be 1 to {DAYS_MAX}")
        if not 0 <= self.grace_days <= DAYS_MAX:
            raise Invalid("grace_days", f"must be 0 to {DAYS_MAX}")
        amounts = (("once", self.once_minor), ("least", self.least_minor), ("cap", self.cap_minor))
        for name, amount in amounts:
            if not 0 <= (amount or 0) <= AMOUNT_MINOR_MAX:
                raise Invalid(name, "must be an amount, and not absurdly large")
        for name, share in (("rate", self.rate), ("cap_share", self.cap_share)):
            if share and share.ppm > PER_MILLION:
                raise Invalid(name, "must not be more than 100%")
        if not self.once_minor and not self.rate:
            raise Invalid("once", "name a fixed fee, a rate, or both")
        if not 1 <= len(self.label) <= LABEL_CHARS_MAX or not self.label.isprintable():
            raise Invalid("label", f"needs 1 to {LABEL_CHARS_MAX} printable characters")

    def first_on(self, due_on: date) -> date:
        """Tell the first day on which something may count for an invoice."""
        days = [self.once_on(due_on)] if self.once_minor else []
        if self.rate:
            month = self.month(due_on, 1)
            days.append(month.start if self.by is By.DAYS else month.end)
        return min(days)

    def once_on(self, due_on: date) -> date:
        """Tell the day of the fee that is charged once."""
        return days_after(due_on, self.once_after_days)

    def month(self, due_on: date, n: int) -> Period:
        """Tell the n-th month in which a share is counted, from 1."""
        begin = days_after(due_on, self.grace_days + 1)
        start, end = (anchored(begin.year, begin.month + n - k, begin.day) for k in (1, 0))
        return Period(start, end)

    def cap_of(self, total_minor: int) -> int | None:
        """Tell how much one invoice bears at most."""
        caps = [] if self.cap_minor is None else [self.cap_minor]
        if self.cap_share:
            caps.append(divide_half_up(total_minor * self.cap_share.ppm, PER_MILLION))
        return min(caps, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A fee of an invoice in its place `n`, by the rules of its day; `take` counts those before it
    in that place. Of one that is `forgiven` nothing takes the place; one `withdrawn` was corrected.
    """

    invoice: InvoiceId
    n: int
    days: Period
    amount_minor: int
    rules: LateFees
    take: int = 0
    id: str = ""
    is_withdrawn: bool = False
    is_forgiven: bool = False

    @property
    def falls_on(self) -> date:
        """The day on which it falls due."""
        return self.days.start if self.n == ONCE else self.days.end


@dataclass(slots=True, kw_only=True)
class Assessed:
    """The fees to be charged, those to be withdrawn, and the next day on which one may be due."""

    fresh: list[Fee] = field(default_factory=list)
    withdrawn: list[Fee] = field(default_factory=list)
    next_on: date | None = None


def assess(history: History, fees: Sequence[Fee], rules: LateFees | None, today: date) -> Assessed:
    """Compare the fees that should be by a day with those there are.

    What was charged is looked at by the rules it was charged by; without rules nothing comes new.
    """
    found = Assessed()
    for bill in history.bills:
        charged = [one for one in fees if one.invoice == bill.invoice]
        mine = rules if rules and bill.due_on >= rules.from_on and not bill.is_void else None
        if charged or mine:
            _Book(history, bill, Steps.of(history, bill), today).compare(found, charged, mine)
    return found


@dataclass(frozen=True, slots=True)
class _Book:
    """One invoice on a day."""

    history: History
    bill: Bill
    steps: Steps
    today: date

    def compare(self, found: Assessed, charged: Sequence[Fee], rules: LateFees | None) -> None:
        newest = {one.n: one for one in sorted(charged, key=lambda one: one.take)}
        wanted = [self._again(one) for one in newest.values() if not one.is_forgiven]
        for one in self._places(rules) if rules else ():
            if one.n in newest:
                continue
            due_on = self._due_on(one)
            if due_on <= self.today:
                wanted.append(replace(one, amount_minor=self._amount(one)))
            elif self.steps.is_open:
                found.next_on = min(due_on, found.next_on or due_on)
        had = 0
        for one in sorted(wanted, key=lambda one: (one.falls_on, one.n)):
            fee = self._capped(one, had)
            known = newest.get(fee.n)
            if known and not known.is_withdrawn:
                if not self._differs(known, fee):
                    had += known.amount_minor
                    continue
                found.withdrawn.append(known)
            had += fee.amount_minor
            if fee.amount_minor and self.bill.invoice not in self.history.awaited:
                found.fresh.append(replace(fee, take=known.take + 1 if known else 0))

    def _again(self, one: Fee) -> Fee:
        """Work out a fee that was charged before."""
        amount = 0 if self.bill.is_void else self._amount(one)
        return replace(one, amount_minor=amount, id="", is_withdrawn=False)

    def _places(self, rules: LateFees) -> Iterator[Fee]:
        """Walk all fees that there may be of the invoice by its days."""
        bill, until = self.bill, min(self.steps.over_on, days_after(self.today, 1))
        if rules.once_minor:
            on = rules.once_on(bill.due_on)
            days = Period(on, days_after(on, 1))
            yield Fee(invoice=bill.invoice, n=ONCE, days=days, amount_minor=0, rules=rules)
        for n in range(1, MONTHS_MAX + 1) if rules.rate else ():
            days = rules.month(bill.due_on, n)
            yield Fee(invoice=bill.invoice, n=n, days=days, amount_minor=0, rules=rules)
            if days.end > until:
                return

    def _due_on(self, one: Fee) -> date:
        if one.n != ONCE and one.rules.by is By.DAYS:
            # Nothing more is to come of a month in which the invoice is paid.
            return one.days.end if self.steps.is_open else min(one.days.end, self.today)
        return self._moved(one)

    def _moved(self, one: Fee) -> date:
        """Tell when a fee of a moment falls due: not while a promise stands."""
        day = one.falls_on
        return day if one.rules.despite_promise else self.history.covered_until(self.bill, day)

    def _amount(self, one: Fee) -> int:
        rules, least = one.rules, max(1, one.rules.least_minor)
        if one.n == ONCE or rules.by is By.MONTHS:
            rest = self.steps.at(self._moved(one))
            if rest < least:
                return 0
            if one.n == ONCE:
                return rules.once_minor
            return _share(rules, rest, YEAR_MONTHS if rules.per is Per.YEAR else 1)
        until = min(one.days.end, days_after(self.today, 1))
        if until <= one.days.start:
            return 0
        spans = self.steps.spans(Period(one.days.start, until))
        weighed = sum(rest * self._counted(days, rules) for days, rest in spans if rest >= least)
        of_days = YEAR_DAYS if rules.per is Per.YEAR else one.days.days
        return _share(rules, weighed, of_days)

    def _counted(self, days: Period, rules: LateFees) -> int:
        """Count the days of some that no promise covers."""
        if rules.despite_promise:
            return days.days
        promises = [one.days for one in self.history.promises if self.bill.sequence <= one.through]
        return sum(part.days for part in less([days], promises))

    def _capped(self, one: Fee, had: int) -> Fee:
        cap = one.rules.cap_of(self.bill.total_minor)
        if cap is None:
            return one
        return replace(one, amount_minor=max(0, min(one.amount_minor, cap - had)))

    def _differs(self, known: Fee, fee: Fee) -> bool:
        """Whether it is another amount by now; a month that is not over may still come to more."""
        is_over = self.today >= known.falls_on
        return fee.amount_minor < known.amount_minor or (
            is_over and fee.amount_minor > known.amount_minor
        )


def _share(rules: LateFees, amount_minor: int, of: int) -> int:
    ppm = rules.rate.ppm if rules.rate else 0
    return divide_half_up(amount_minor * ppm, PER_MILLION * of)
