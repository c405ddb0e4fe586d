"""What a quantity costs under each charge model. Exact until the end, rounded once by the caller.

Prices and quantities are fractions: a unit may cost less than a minor unit of the currency, and a
hundred and a half of them may be used. Amounts are in minor units. Tiers are in order; the last has
no end. A quantity between the end of one tier and the start of the next belongs to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from billing.catalog.usage_price import Tier

Number = Fraction | int


def graduated(quantity: Number, tiers: Sequence[Tier]) -> Fraction:
    """Charge each unit by the tier it lies in; a flat amount for each tier that is entered.

    The first tier is entered by nothing at all.
    """
    return sum(graduated_by_tier(quantity, tiers), Fraction(0))


def graduated_by_tier(quantity: Number, tiers: Sequence[Tier]) -> list[Fraction]:
    """List what each entered tier costs."""
    costs: list[Fraction] = []
    below = Fraction(0)
    for tier in tiers:
        if costs and quantity <= below:
            break
        within = quantity if tier.upto is None else min(quantity, tier.upto)
        costs.append(tier.flat + tier.unit * (within - below) if tier.unit else tier.flat)
        if tier.upto is None:
            break
        below = tier.upto
    return costs


def volume(quantity: Number, tiers: Sequence[Tier]) -> Fraction:
    """Charge all units by the tier that the quantity reaches. Raises ValueError beyond the last."""
    reached = next((tier for tier in tiers if tier.upto is None or quantity <= tier.upto), None)
    if reached is None:
        raise ValueError(f"no tier has a price for {quantity}")
    return reached.flat + reached.unit * quantity


def package(quantity: Number, *, size: Number, price: Number, free: Number = 0) -> Fraction:
    """Charge packages of so many units; one that is begun counts, after the free units."""
    return Fraction(price) * packages(quantity, size=size, free=free)


def packages(quantity: Number, *, size: Number, free: Number = 0) -> int:
    """Count the packages that a quantity has begun."""
    return ceil(max(Fraction(quantity) - free, Fraction(0)) / size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A tier of packages: at most `blocks_max` of `size` units at a price each."""

    size: int
    blocks_max: int
    price: Fraction


def blocks(quantity: int, tiers: Sequence[Block]) -> Fraction:
    """Charge packages tier by tier; one that is begun counts."""
    cost, rest = Fraction(0), quantity
    for tier in tiers:
        begun = min(packages(rest, size=tier.size), tier.blocks_max)
        cost += begun * tier.price
        rest -= begun * tier.size
        if rest <= 0:
            break
    return cost


def top_blocks(quantity: int, tiers: Sequence[Block]) -> Fraction:
    """Charge all packages by the tier that the quantity reaches. Raises ValueError for no tier."""
    if not tiers:
        raise ValueError("no tier has a price")
    top = 0
    for tier in tiers:
        top += tier.size * tier.blocks_max
        if quantity <= top:
            break
    return packages(quantity, size=tier.size) * tier.price


def percentage(
    volume: Number,
    *,
    rate: Fraction,
    free_volume: Number = 0,
    events: int = 0,
    free_events: int = 0,
    per_event: Number = 0,
) -> Fraction:
    """Charge a share of what is above the free volume, and an amount for each event not free."""
    charged = max(Fraction(volume) - free_volume, Fraction(0))
    return charged * rate + max(events - free_events, 0) * Fraction(per_event)
