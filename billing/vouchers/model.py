"""Batches of vouchers: what a card is worth, who sells it, and when it may be redeemed. Pure.

A dealer owes what was redeemed of its cards less its margin, which is taken of the sum and not of
each card, so that nothing is gained by rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from terms.errors import InvalidTransition
from terms.money import Money, Rate

PROVIDER = "voucher"  # of the movements by which their money comes in
COUNT_MAX = 10_000
VALUE_MINOR_MAX = 1_000_000_000
VALID_MAX = timedelta(days=3_660)
DEALER_CHARS_MAX = 80
NAME_CHARS_MAX = 40


class BatchState(StrEnum):
    """What the cards of a batch are good for."""

    MADE = "made"  # nothing yet: they are being printed, or on their way
    ACTIVE = "active"  # they may be redeemed
    STOPPED = "stopped"  # what is not redeemed is void


_S = BatchState
ALLOWED: Mapping[BatchState, frozenset[BatchState]] = {
    _S.MADE: frozenset({_S.ACTIVE, _S.STOPPED}),
    _S.ACTIVE: frozenset({_S.STOPPED}),
    _S.STOPPED: frozenset(),
}


def step(state: BatchState, to: BatchState) -> BatchState:
    """Take a step of the table. Raises InvalidTransition."""
    if to not in ALLOWED[state]:
        raise InvalidTransition(f"a batch that is {state} does not become {to}")
    return to


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Cards of one value that one dealer sells; `valid_until` is the last day of theirs."""

    name: str
    prefix: str
    value: Money
    count: int
    valid_until: date
    dealer: str
    margin: Rate
    state: BatchState
    made_at: datetime
    activated_at: datetime | None = None
    stopped_at: datetime | None = None
    redeemed: int = 0

    @property
    def activated(self) -> int:
        """How many of its cards could ever be redeemed."""
        return self.count if self.activated_at else 0

    @property
    def void(self) -> int:
        """How many of its cards nobody redeems any more, since it was stopped."""
        return self.count - self.redeemed if self.state is BatchState.STOPPED else 0

    @property
    def sold(self) -> Money:
        """What was redeemed of it."""
        return Money(self.value.amount_minor * self.redeemed, self.value.currency)

    @property
    def earned(self) -> Money:
        """What the dealer keeps of that."""
        return self.margin.of(self.sold)

    @property
    def owed(self) -> Money:
        """What the dealer owes for it."""
        return self.sold - self.earned

    def refusal(self, today: date, currency: str) -> str:
        """Tell why no card of it may be redeemed on a day for an account; empty where one may."""
        if self.state is BatchState.MADE:
            return f"batch {self.name} is not active yet"
        if self.state is BatchState.STOPPED:
            return f"it is void: batch {self.name} was stopped"
        if today > self.valid_until:
            return f"it has expired: it was valid until {self.valid_until}"
        if currency != self.value.currency:
            return f"it is worth {self.value}, and the account is kept in {currency}"
        return ""


def charge_of(batch: str, n: int) -> str:
    """Name a card: the serial that is printed on it, and the charge of its movement."""
    return f"{batch}/{n}"


def batch_of(charge: str) -> str:
    """Tell of which batch the card of a charge is."""
    return charge.rpartition("/")[0]
