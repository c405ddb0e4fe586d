"""Minimums that were promised: what is missing of them."""

from __future__ import annotations

from billing.rating.commitment import missing, missing_by
from billing.rating.measure import Share
from terms.money import Money
from tests.vectors.policies import manner
from tests.vectors.reading import EUR, Unsupported, Vector, money, whole
from tests.vectors.registry import Found, maps

MIDDLE, LAST = Share(0, 1, 2), Share(1, 2, 2)


def _covered(vector: Vector) -> Share:
    """Read the days that a promise covers of its month: the first of them."""
    days, month = (vector.given.read(name, whole) for name in ("days", "month_days"))
    return Share(0, days, month)


@maps("commitment.true_up", "minimum days month_days billed")
def part_of_a_month(vector: Vector) -> Found:
    """A minimum of a few days, less all that was billed."""
    minimum, billed = (vector.given.read(name, money) for name in ("minimum", "billed"))
    return {"true_up": missing(minimum, billed, _covered(vector), manner(vector).cut)}


@maps("commitment.true_up", "minimum billed")
def whole_month(vector: Vector) -> Found:
    """A minimum of a whole period, less all that was billed."""
    minimum, billed = (vector.given.read(name, money) for name in ("minimum", "billed"))
    return {"true_up": missing(minimum, billed)}


@maps("charge_minimum.true_up", "minimum days month_days used")
def of_one_charge(vector: Vector) -> Found:
    """A minimum of one charge."""
    minimum, used = (vector.given.read(name, money) for name in ("minimum", "used"))
    return {"true_up": missing(minimum, used, _covered(vector), manner(vector).cut)}


@maps("usage.minimum", "units minimum")
def only_at_the_end(vector: Vector) -> Found:
    """Nothing is missing in the middle of a period."""
    if vector.given.read("units", whole):
        raise Unsupported("units without a price")
    minimum, spent = vector.given.read("minimum", money), Money(0, EUR)
    return {
        "mid_period": missing_by(minimum, spent, MIDDLE),
        "last": missing_by(minimum, spent, LAST),
    }
