"""A change in the middle of what is charged: back for what is left of the old, on for the new.

What goes back is counted from the original debits, each by itself, at what they charged; never at
today's price. No more goes back than a debit still holds. What exceeds the new charges is credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.rating.measure import Cut, Share
from terms.calendar import Period
from terms.money import Money
from terms.schedule import Schedule


class Cycle(StrEnum):
    """What becomes of the periods where their interval changes."""

    RESTART = "restart"  # a whole new one begins on the day
    KEEP = "keep"  # the anchor stays, the rest of the period it lies in is charged


class Upcoming(NamedTuple):
    """What is charged of a period when another interval begins."""

    part: Period
    whole: Period


def upcoming(old: Schedule, new: Schedule, first: date, cycle: Cycle) -> Upcoming:
    """Tell what a new schedule charges first, from a day on.

    KEEP: the new interval counts from where the old one began, on its anchor.
    """
    if cycle is Cycle.RESTART:
        whole = Schedule(new.interval, first.day, first).containing(first)
        return Upcoming(whole, whole)
    whole = Schedule(new.interval, old.anchor_day, old.origin).containing(first)
    return Upcoming(Period(first, whole.end), whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """What was charged: `share` of `rate`; `adjusted` of it was given back as goodwill."""

    rate: Money
    share: Share
    adjusted: Money

    def charged(self, cut: Cut) -> Money:
        """Return what the debit was when it was written."""
        return Money(self.share.part(self.rate.amount_minor, cut), self.rate.currency)


class Back(NamedTuple):
    """What goes back of a debit, and what would if it still held all that it charged."""

    amount: Money
    uncapped: Money

    @property
    def line(self) -> Money:
        """The amount as a line of an invoice: below zero."""
        return -self.amount


def unused(debit: Debit, left: Share, cut: Cut = Cut.REACHED) -> Back:
    """Give back what is left of a debit, at most what it still holds.

    Raises ValueError where more is left than was charged.
    """
    if left.of != debit.share.of or not debit.share.since <= left.since <= left.until:
        raise ValueError("what is left was not charged by this debit")
    if left.until > debit.share.until:
        raise ValueError("more is left than was charged")
    uncapped = Money(left.part(debit.rate.amount_minor, cut), debit.rate.currency)
    return Back(min(uncapped, debit.charged(cut) - debit.adjusted), uncapped)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change gives back, debit by debit, and what it charges, price by price."""

    currency: str
    credits: tuple[Back, ...]
    charges: tuple[Money, ...]

    @property
    def back(self) -> Money:
        """All that goes back."""
        return Money(sum(one.amount.amount_minor for one in self.credits), self.currency)

    @property
    def charged(self) -> Money:
        """All that is charged."""
        return Money(sum(one.amount_minor for one in self.charges), self.currency)

    @property
    def net(self) -> Money:
        """What is to be paid; below zero it is to be had."""
        return self.charged - self.back

    @property
    def surplus(self) -> Money:
        """What becomes credit of the account."""
        return Money(max(-self.net.amount_minor, 0), self.currency)


class Leaving(NamedTuple):
    """A debit and what is left of it."""

    debit: Debit
    left: Share


class Coming(NamedTuple):
    """A price and what is charged of its period."""

    rate: Money
    share: Share


def changed(
    leaving: Sequence[Leaving], coming: Sequence[Coming], currency: str, cut: Cut = Cut.REACHED
) -> Change:
    """Give back what is left of debits and charge what comes instead."""
    return Change(
        currency,
        tuple(unused(one.debit, one.left, cut) for one in leaving),
        tuple(Money(one.share.part(one.rate.amount_minor, cut), currency) for one in coming),
    )
