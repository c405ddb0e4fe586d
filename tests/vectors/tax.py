"""Tax of lines, and of prices that include it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from billing.tax.levels import Inclusive, Level, Split, inside, taxes
from terms.money import Money, Rate, total
from tests.vectors.reading import EUR, Vector, many, money, number, percent
from tests.vectors.registry import Found, maps


def _exact_line(row: Any) -> tuple[Money, Rate]:
    """Read ["3.333", "20"]: an amount that is rounded to a line, and the rate of its tax."""
    amount, rate = row
    return Money.of(number(amount), EUR), percent(rate)


@maps("tax.en16931", "lines")
def en16931(vector: Vector) -> Found:
    """Lines are rounded first, then each rate is taxed once on their exact sum."""
    lines = vector.given.read("lines", many(_exact_line))
    amounts = [amount for amount, _ in lines]
    nets = [(rate, Fraction(amount.amount_minor)) for amount, rate in lines]
    base, tax = total(amounts, EUR), total(taxes(nets, EUR, Level.GROUP), EUR)
    return {"line_amounts": amounts, "base": base, "tax": tax, "total": Split(base, tax).total}


@maps("tax.inclusive", "gross tax_pct")
def inclusive(vector: Vector) -> Found:
    """What of a price is tax, by the part that is rounded first."""
    gross, rate = vector.given.read("gross", money), vector.given.read("tax_pct", percent)
    return {f"round_{each}": _shown(inside(gross, rate, each)) for each in Inclusive}


def _shown(found: Split) -> Found:
    return {"net": found.net, "tax": found.tax}
