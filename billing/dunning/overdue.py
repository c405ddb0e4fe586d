"""What was open of an invoice on each day, as its account's invoices and money say. Pure.

On a day money that came before it has paid the invoices there were, the oldest first. So it does
not matter when somebody looks, nor how late it is heard of money that came in time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from terms.calendar import Period, days_after
from terms.ids import InvoiceId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """An invoice of no fees. `given_up` was written off of it, by day."""

    invoice: InvoiceId
    number: str
    sequence: int
    service: ServiceId
    issued_on: date
    due_on: date
    total_minor: int
    is_void: bool = False
    given_up: tuple[tuple[date, int], ...] = ()

    @property
    def order(self) -> tuple[date, int]:
        """Oldest due first, then by number."""
        return self.due_on, self.sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The days on which a promise held dunning up, for invoices up to a number."""

    days: Period
    through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What an account was to pay and has paid, in its currency; fees are not in it.

    `money` came, or went back where it is negative, on a day. What a payer's bank took back counts
    as paid: whose fault that is nobody knows yet. `awaited` are invoices with a try whose outcome
    is still to come.
    """

    bills: Sequence[Bill] = ()
    money: Sequence[tuple[date, int]] = ()
    promises: Sequence[Covered] = ()
    awaited: frozenset[InvoiceId] = frozenset()

    def covered_until(self, bill: Bill, day: date) -> date:
        """Tell the first day from one on that no promise about an invoice covers."""
        while True:
            ends = [
                one.days.end
                for one in self.promises
                if day in one.days and bill.sequence <= one.through
            ]
            if not ends:
                return day
            day = max(ends)


@dataclass(frozen=True, slots=True)
class Steps:
    """What is open of an invoice as each day begins: from the n-th day on the n-th rest."""

    days: Sequence[date]
    rests: Sequence[int]

    @classmethod
    def of(cls, history: History, bill: Bill) -> Steps:
        """Follow an invoice through the history of its account."""
        changes: dict[date, list[int]] = {}
        for each in history.bills:
            if each.order <= bill.order:
                _change(changes, max(each.issued_on, bill.issued_on), each.total_minor, 0)
            if each.order < bill.order:
                for on, amount in each.given_up:
                    _change(changes, max(days_after(on, 1), bill.issued_on), -amount, 0)
        for on, amount in history.money:
            _change(changes, max(days_after(on, 1), bill.issued_on), -amount, 0)
        for on, amount in bill.given_up:
            _change(changes, max(days_after(on, 1), bill.issued_on), 0, amount)
        owed = gone = 0
        days, rests = sorted(changes), []
        for day in days:
            owed, gone = owed + changes[day][0], gone + changes[day][1]
            rests.append(max(0, min(bill.total_minor, owed) - gone))
        return cls(days, rests)

    @property
    def is_open(self) -> bool:
        """Whether something is open in the end."""
        return self.rests[-1] > 0

    @property
    def over_on(self) -> date:
        """The first day from which on nothing is open; for ever away while something is."""
        if self.is_open:
            return date.max
        last = max((n for n, rest in enumerate(self.rests) if rest), default=None)
        return self.days[0] if last is None else self.days[last + 1]

    def at(self, day: date) -> int:
        """Tell what is open as a day begins."""
        place = bisect_right(self.days, day)
        return self.rests[place - 1] if place else 0

    def spans(self, days: Period) -> Iterator[tuple[Period, int]]:
        """Walk days by what is open on them."""
        turns = [days.start, *(day for day in self.days if days.start < day < days.end), days.end]
        for start, end in pairwise(turns):
            yield Period(start, end), self.at(start)


def _change(changes: dict[date, list[int]], day: date, owed: int, gone: int) -> None:
    sums = changes.setdefault(day, [0, 0])
    sums[0] += owed
    sums[1] += gone
