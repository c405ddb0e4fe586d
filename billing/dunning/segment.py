"""Segments of accounts: what follows from a debt is data of the segment its account is in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from billing.dunning.dispute_fees import DisputeFee
from billing.dunning.hours import ALWAYS, Hours, Slot
from billing.dunning.late_fees import LateFees
from billing.dunning.model import Action, Ladder
from billing.dunning.reactivation import AS_USUAL, Reactivation, Suspension, missing
from billing.payments.model import Debt
from billing.payments.wallet import WalletRules
from terms.calendar import days_after
from terms.errors import Invalid

USUAL = ""  # the segment of whoever is in no other
SEGMENTS_MAX = 100
NAME_CHARS_MAX = 40
LEAST_MINOR_MAX = 10**15
PAYDAYS_MAX = 31
DUE_DATES_MAX = 10_000  # are remembered with their days
PAYDAY_WAIT_DAYS_MAX = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """When the retries of a ladder are made.

    One waits for a payday (a day of the month) that comes within so many days, then for the next
    hour at which it may be made. Raises Invalid for days that are none.
    """

    hours: Hours = ALWAYS
    paydays: Sequence[int] = ()
    payday_wait_days: int = 0

    def __post_init__(self) -> None:
        if any(not 1 <= day <= PAYDAYS_MAX for day in self.paydays):
            raise Invalid("paydays", f"must be days of a month, 1 to {PAYDAYS_MAX}")
        if not 0 <= self.payday_wait_days <= PAYDAY_WAIT_DAYS_MAX:
            raise Invalid("payday_wait_days", f"must be 0 to {PAYDAY_WAIT_DAYS_MAX}")

    def slot(self, day: date) -> Slot:
        """Tell when a retry that is due on a day is made."""
        for wait in range(self.payday_wait_days + 1 if self.paydays else 0):
            payday = days_after(day, wait)
            if payday.day in self.paydays:
                return self.hours.first(Slot(payday))
        return self.hours.first(Slot(day))


class Days(NamedTuple):
    """What a ladder comes to for a due date: days to look on, retries, the day of each rung."""

    looks: Sequence[date]
    tries: Sequence[Slot]
    rungs: Sequence[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What follows from the debts of its accounts.

    Nothing does while less than `least_minor` is overdue. Who `is_exempt` is told, and that is all.
    Raises Invalid for an amount that makes no sense.
    """

    ladder: Ladder = field(default_factory=Ladder)
    least_minor: int = 0
    is_exempt: bool = False
    cut_off: Hours = ALWAYS
    retries: Retries = field(default_factory=Retries)
    late_fees: LateFees | None = None
    dispute_fee: DisputeFee | None = None
    wallet: WalletRules | None = None
    reactivation: Reactivation = AS_USUAL
    _days: dict[date, Days] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.least_minor <= LEAST_MINOR_MAX:
            raise Invalid("least", "must be an amount, and not absurdly large")

    def late_fees_in(self, currency: str) -> LateFees | None:
        """Give what an account bears that is late: who is exempt, or pays otherwise, nothing."""
        rules = None if self.is_exempt else self.late_fees
        return rules if rules and rules.currency == currency else None

    def dispute_fee_in(self, currency: str) -> DisputeFee | None:
        """Give what an account bears for a dispute."""
        rules = None if self.is_exempt else self.dispute_fee
        return rules if rules and rules.currency == currency else None

    @property
    def taxes(self) -> Iterator[tuple[str, str]]:
        """Name the tax of each kind of fee."""
        if self.late_fees:
            yield "late_fees", self.late_fees.tax
        if self.dispute_fee:
            yield "dispute_fee", self.dispute_fee.tax
        yield "reactivation", self.reactivation.tax

    def lacking(self, suspension: Suspension, debts: Sequence[Debt], today: date) -> int:
        """Tell in minor units what is missing until a dark account is light again."""
        rung = self.ladder.of(Action.SUSPEND)
        old_until = days_after(today, -rung[0].after_days if rung else 0)
        return missing(self.reactivation, suspension, debts, today=today, old_until=old_until)

    def days(self, due_on: date) -> Days:
        """Work out the days of the ladder for a due date, once."""
        found = self._days.get(due_on)
        if found is None:
            if len(self._days) >= DUE_DATES_MAX:
                self._days.clear()
            found = self._days[due_on] = self._worked_out(due_on)
        return found

    def _worked_out(self, due_on: date) -> Days:
        rungs = () if self.is_exempt else self.ladder.rungs
        tries = self.ladder.of(Action.RETRY)
        return Days(
            looks=[days_after(due_on, days) for days in self.ladder.looks],
            tries=[self.retries.slot(days_after(due_on, step.after_days)) for step in tries],
            rungs=[days_after(due_on, step.after_days) for step in rungs],
        )


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments by their names. Raises Invalid for too many."""

    each: Mapping[str, Segment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.each) > SEGMENTS_MAX:
            raise Invalid("dunning.segments", f"more than {SEGMENTS_MAX}")

    @classmethod
    def usual(cls, ladder: Ladder) -> Segments:
        """Make the usual segment alone."""
        return cls({USUAL: Segment(ladder=ladder)})

    def __iter__(self) -> Iterator[str]:
        return iter(self.each)

    def of(self, name: str) -> Segment:
        """Find a segment; one that is not there is the usual one."""
        return self.each.get(name) or self.each.get(USUAL) or NONE

    def check(self, name: str) -> None:
        """Raise Invalid for a name that no segment has."""
        if name != USUAL and name not in self.each:
            known = ", ".join(sorted(one for one in self.each if one)) or "none"
            raise Invalid("segment", f"there is no segment {name!r}; known: {known}")


NONE = Segment()  # nothing follows from a debt
