"""A device that is paid off by being a subscriber: who leaves early pays the rest. Pure.

Each month of the contract pays off a part of it. A month in which the subscription rests pays off
nothing: it moves the end, never the amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from terms.calendar import anchored
from terms.money import Money, divide_half_up

MONTHS_MAX = 120


class Month(StrEnum):
    """How a month of the contract has passed."""

    PAID = "paid"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsidy:
    """What was given with a contract of so many months. Raises ValueError for none at all."""

    amount: Money
    months: int

    def __post_init__(self) -> None:
        if not 1 <= self.months <= MONTHS_MAX:
            raise ValueError(f"a contract has 1 to {MONTHS_MAX} months")

    def termination_fee(self, passed: Sequence[Month]) -> Money:
        """Tell what is left to pay after months that have passed."""
        paid = min(passed.count(Month.PAID), self.months)
        off = divide_half_up(self.amount.amount_minor * paid, self.months)
        return self.amount - Money(off, self.amount.currency)

    def ends_on(self, began_on: date, passed: Sequence[Month] = ()) -> date:
        """Tell when all of it is paid off, as far as months have passed."""
        paused = passed.count(Month.PAUSED)
        return anchored(began_on.year, began_on.month + self.months + paused, began_on.day)
