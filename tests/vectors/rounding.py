"""Rounding, splitting and exact ratios; beside ours what other ways of counting make of it."""

from __future__ import annotations

from fractions import Fraction
from itertools import repeat

from billing.catalog.usage_price import Tier
from billing.rating.pricing import graduated
from terms.money import Money, Rounding, at_places, total
from tests.vectors.reading import EUR, Vector, cents, few, many, money, number, text, whole
from tests.vectors.registry import Found, maps

NINE_PLACES = 9  # the decimals that ratios are cut to elsewhere
CENT_33 = Money(33, EUR)


@maps("rounding.currency_scale", "price quantity")
def currency_scale(vector: Vector) -> Found:
    """A price finer than the minor unit, times a quantity, is rounded once to the currency."""
    tier = Tier(unit=vector.given.read("price", number))
    exact = graduated(vector.given.read("quantity", number), [tier])
    codes = [name for name in vector.expected.values if name != "exact"]
    return {"exact": exact, **{code: Money.of(exact, code) for code in codes}}


@maps("rounding.mode", "amounts")
def mode(vector: Vector) -> Found:
    """Halves go up, or to the even neighbour, and binary fractions have none."""
    exact = vector.given.read("amounts", many(number))
    binary = vector.given.read("amounts", many(lambda value: Fraction(float(text(value)))))
    return {
        "half_up": [Money.of(each, EUR, Rounding.HALF_UP) for each in exact],
        "half_even": [Money.of(each, EUR, Rounding.HALF_EVEN) for each in exact],
        "float_round": [Money.of(each, EUR, Rounding.HALF_EVEN) for each in binary],
    }


@maps("precision.ratio", "amount fraction")
def ratio(vector: Vector) -> Found:
    """A ratio is kept exact; cut to nine decimals it loses money."""
    amount, fraction = vector.given.read("amount", money), vector.given.read("fraction", number)
    short = at_places(fraction, NINE_PLACES)
    return {"exact": _portion(amount, fraction), "ratio9": _portion(amount, short)}


def _portion(amount: Money, fraction: Fraction) -> Money:
    return amount.portion(fraction.numerator, fraction.denominator)


@maps("conservation.split", "amount_cents weights")
def split(vector: Vector) -> Found:
    """Parts by weights sum to the whole."""
    weights = vector.given.read("weights", many(whole))
    parts = vector.given.read("amount_cents", cents).allocate(weights)
    return {"parts": [part.amount_minor for part in parts]}


@maps("conservation.installments", "amount_cents parts")
def installments(vector: Vector) -> Found:
    """Instalments sum to the whole; alike and rounded each, they do not."""
    amount, count = vector.given.read("amount_cents", cents), vector.given.read("parts", few)
    ours = amount.allocate(list(repeat(1, count)))
    return {
        "ours": [part.amount_minor for part in ours],
        "naive_sum": _naive(amount, count).amount_minor,
    }


@maps("conservation.daily_accrual", "amount_cents days")
def daily(vector: Vector) -> Found:
    """Days sum to their month; alike and rounded each, they do not."""
    amount, days = vector.given.read("amount_cents", cents), vector.given.read("days", few)
    ours = amount.allocate(list(repeat(1, days)))
    return {
        "naive_sum": _naive(amount, days).amount_minor,
        "ours_sum": total(ours, EUR).amount_minor,
        "ours_days_at_33": ours.count(CENT_33),
    }


def _naive(amount: Money, count: int) -> Money:
    """Round one part and take it so often."""
    return total(repeat(amount.portion(1, count), count), EUR)
