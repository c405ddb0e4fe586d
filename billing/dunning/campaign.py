"""Asking for all that is overdue at once, when it is enough to be worth it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.payments.model import Debt
from terms.calendar import days_after
from terms.errors import Invalid
from terms.money import Money, total

ATTEMPTS_MAX = 100
DAYS_MAX = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """From which amount on an account is asked, how often, and how many days lie between.

    Raises Invalid for one that makes no sense.
    """

    threshold: Money
    attempts_max: int
    days_between: int

    def __post_init__(self) -> None:
        if not 1 <= self.attempts_max <= ATTEMPTS_MAX:
            raise Invalid("dunning.campaign.attempts_max", f"must be 1 to {ATTEMPTS_MAX}")
        if not 0 <= self.days_between <= DAYS_MAX:
            raise Invalid("dunning.campaign.days_between", f"must be 0 to {DAYS_MAX}")

    def asks(self, debts: Sequence[Debt], asked_on: Sequence[date], today: date) -> Money | None:
        """Tell how much to ask for on a day, after the times it was asked before; None for not."""
        if len(asked_on) >= self.attempts_max:
            return None
        if asked_on and today <= days_after(max(asked_on), self.days_between):
            return None
        overdue = (debt.rest for debt in debts if debt.due_on < today)
        owed = total(overdue, self.threshold.currency)
        return owed if owed.amount_minor and owed >= self.threshold else None
