"""A charge computed again from its own record: what it says of itself is what it charged. Pure."""

from __future__ import annotations

from billing.rating.model import Charge
from terms.money import Money


def execute(charge: Charge) -> Money:
    """Compute what a charge comes to, by its rate, what is off that, and its share alone."""
    rate_minor = charge.rate.amount_minor - charge.off_minor
    return Money(charge.share.part(rate_minor), charge.rate.currency)
