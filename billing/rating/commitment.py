"""A minimum that was promised: what is missing of it is charged when its time is over. Pure.

It is cut like a price where the promise covers only a part of a period. Discounts do not lower what
counts as spent.
"""

from __future__ import annotations

from billing.rating.measure import WHOLE, Cut, Share
from terms.money import Money


def missing(minimum: Money, spent: Money, covered: Share = WHOLE, cut: Cut = Cut.REACHED) -> Money:
    """Tell what is missing of a minimum for the covered part of a period; never below zero."""
    rest = Money(covered.part(minimum.amount_minor, cut), minimum.currency) - spent
    return max(rest, Money(0, rest.currency))


def missing_by(
    minimum: Money, spent: Money, rated: Share, covered: Share = WHOLE, cut: Cut = Cut.REACHED
) -> Money:
    """Tell what is missing when a part is rated: nothing before the covered part is over.

    `rated` and `covered` are parts of the same period, each in units of its own.
    """
    if rated.until * covered.of < covered.until * rated.of:
        return Money(0, minimum.currency)
    return missing(minimum, spent, covered, cut)
