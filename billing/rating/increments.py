"""Usage that is rated in pieces: what is charged is the difference of totals, never by the event.

So a package that is begun is begun once, free units are free once, and an event that comes late
costs what the whole costs more with it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from billing.rating.pricing import Number
from terms.money import Money

Cost = Callable[[Number], Fraction]


def further(cost: Cost, before: Number, more: Number) -> Fraction:
    """Charge what more units cost behind those that were rated before."""
    return cost(Fraction(before) + more) - cost(before)


def beyond(free: Number, before: Number, more: Number) -> Fraction:
    """Tell how many of more units are not free, where so many were used before."""

    def over(quantity: Number) -> Fraction:
        return max(Fraction(quantity) - free, Fraction(0))

    return further(over, before, more)


def outstanding(rated: Money, billed: Money) -> Money | None:
    """Tell what a total that was rated again adds to what was billed; None where it is the same.

    Both are rounded: what lies below a minor unit is never a correction.
    """
    return None if rated == billed else rated - billed
