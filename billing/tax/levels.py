"""At which level tax is rounded, and what of a price that includes tax is tax. Pure.

Three levels of the same amounts may give three totals. EN 16931 (BT-117, BR-CO-17) taxes each group
of one rate once; others round the tax of each line, or once for the whole document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from terms.money import PER_MILLION, Money, Rate, Rounding, nearest


class Level(StrEnum):
    """What tax is rounded once for."""

    LINE = "line"
    GROUP = "group"  # all lines of one rate
    DOCUMENT = "document"


class Inclusive(StrEnum):
    """What of a price that includes tax is rounded; the other is the rest of it."""

    NET_FIRST = "net_first"
    TAX_FIRST = "tax_first"


@dataclass(frozen=True, slots=True)
class Split:
    """A net amount and its tax."""

    net: Money
    tax: Money

    @property
    def total(self) -> Money:
        """Both together, exactly."""
        return self.net + self.tax


def on_top(net: Money, rate: Rate, rounding: Rounding = Rounding.HALF_UP) -> Split:
    """Tax a rounded net amount."""
    (tax,) = reached([(rate, net.amount_minor)], None, rounding)
    return Split(net, Money(tax, net.currency))


def inside(
    gross: Money, rate: Rate, convention: Inclusive, rounding: Rounding = Rounding.HALF_UP
) -> Split:
    """Take a price that includes tax apart; both parts sum to it."""
    (part,) = reached([(rate, gross.amount_minor)], convention, rounding)
    tax = Money(part, gross.currency)
    return Split(gross - tax, tax)


def reached(
    amounts: Sequence[tuple[Rate, int]],
    included: Inclusive | None,
    rounding: Rounding = Rounding.HALF_UP,
) -> list[int]:
    """Tax amounts that are rounded once for all, in minor units; each bears what it adds to that.

    So the parts sum to what was rounded. Of amounts that include it, it is the rest of their net.
    """
    parts: list[int] = []
    exact, whole, before = Fraction(0), 0, 0
    for rate, amount in amounts:
        inside = PER_MILLION + (0 if included is None else rate.ppm)
        exact += Fraction(amount * rate.ppm, inside)
        whole += amount
        if included is Inclusive.NET_FIRST:
            upto = whole - nearest(whole - exact, rounding)
        else:
            upto = nearest(exact, rounding)
        parts.append(upto - before)
        before = upto
    return parts


def taxes(
    nets: Sequence[tuple[Rate, Fraction]],
    currency: str,
    level: Level = Level.GROUP,
    rounding: Rounding = Rounding.HALF_UP,
) -> list[Money]:
    """Tax net amounts, given with their rates in minor units, whole or not, at a level.

    Returns an amount for each line, for each rate by its height, or one for all.
    """
    exact = [(rate, _exact(rate, net)) for rate, net in nets]
    if level is Level.LINE:
        sums = [tax for _, tax in exact]
    elif level is Level.GROUP:
        rates = sorted({rate for rate, _ in exact})
        sums = [sum((tax for one, tax in exact if one == rate), Fraction(0)) for rate in rates]
    else:
        sums = [sum((tax for _, tax in exact), Fraction(0))]
    return [Money(nearest(each, rounding), currency) for each in sums]


def _exact(rate: Rate, net: Fraction | int) -> Fraction:
    return Fraction(net) * rate.ppm / PER_MILLION
