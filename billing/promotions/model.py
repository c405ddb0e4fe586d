"""Discounts: what is taken off charges before tax, in which order, and which charge bears it.

Those of lines come first, then those of plans, then those of the whole invoice, each on what the
ones before have left; nothing falls below zero. Where a quantity changes, the old and the new total
are discounted, never the difference: else a fixed amount would be taken off twice. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from fractions import Fraction

from terms.errors import Invalid
from terms.money import PER_MILLION, Money, Rate, at_places, nearest, split

FINE_PLACES = 5
PERIODS_MAX = 1_200


class Scope(IntEnum):
    """What a discount is taken off, in the order in which discounts are taken."""

    LINE = 1
    PLAN = 2
    INVOICE = 3


class Spread(StrEnum):
    """How a discount is spread over the lines that bear it, in proportion to them."""

    WHOLE = "whole"  # in minor units, by the largest remainder: the parts sum to the discount
    FINE = "fine"  # each part by itself, to FINE_PLACES decimals of a minor unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A charge that may be discounted: of which offering, under which plan, how much."""

    offering: str
    plan: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A percentage or a fixed amount off.

    `limited_to` names the offerings of a LINE discount or the plans of a PLAN discount. It counts
    for the first `periods_max` periods of a subscription that begin in its window, `since` to
    before `until`; None is without limit. Raises Invalid for one that makes no sense.
    """

    code: str
    off: Rate | Money
    scope: Scope = Scope.INVOICE
    limited_to: frozenset[str] = frozenset()
    periods_max: int | None = None
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if isinstance(self.off, Rate) and self.off.ppm > PER_MILLION:
            raise Invalid("discount.off", "more than 100 %")
        if isinstance(self.off, Money) and self.off.amount_minor < 0:
            raise Invalid("discount.off", "must not be negative")
        if bool(self.limited_to) is (self.scope is Scope.INVOICE):
            raise Invalid("discount.limited_to", "names the lines or plans, and nothing else")
        if self.periods_max is not None and not 1 <= self.periods_max <= PERIODS_MAX:
            raise Invalid("discount.periods_max", f"must be 1 to {PERIODS_MAX}")
        if self.since and self.until and self.until <= self.since:
            raise Invalid("discount.until", "must be after since")

    def __hash__(self) -> int:
        return hash(self.code)

    def counts(self, *, period: int, begins_on: date) -> bool:
        """Tell whether it counts for a period, the n-th of a subscription from 1 on."""
        return (
            (self.periods_max is None or period <= self.periods_max)
            and (self.since is None or self.since <= begins_on)
            and (self.until is None or begins_on < self.until)
        )

    def bears(self, item: Item) -> bool:
        """Tell whether an item bears a part of it."""
        if self.scope is Scope.INVOICE:
            return True
        return (item.offering if self.scope is Scope.LINE else item.plan) in self.limited_to


@dataclass(frozen=True, slots=True)
class Discounted:
    """What items cost and what is taken off each, in minor units.

    Whole numbers where discounts are spread so; `nets` are what is left.
    """

    currency: str
    gross: tuple[Fraction, ...]
    taken: tuple[Fraction, ...]

    @property
    def nets(self) -> tuple[Fraction, ...]:
        """What each item still costs, in minor units."""
        return tuple(cost - off for cost, off in zip(self.gross, self.taken, strict=True))

    @property
    def amounts(self) -> list[Money]:
        """What each item still costs, rounded where it is not whole."""
        return [Money(nearest(net), self.currency) for net in self.nets]

    @property
    def offs(self) -> list[Money]:
        """What is taken off each item, rounded where it is not whole."""
        return [Money(nearest(off), self.currency) for off in self.taken]

    @property
    def net(self) -> Money:
        """What all items still cost: the exact sum, rounded once."""
        return Money(nearest(sum(self.nets, Fraction(0))), self.currency)

    @property
    def off(self) -> Money:
        """What is taken off in all."""
        return Money(int(sum(self.gross)), self.currency) - self.net


def discounted(
    items: Sequence[Item],
    discounts: Iterable[Discount],
    currency: str,
    spread: Spread = Spread.WHOLE,
) -> Discounted:
    """Take discounts off items.

    Raises ValueError for an item below zero, and where something is of another currency.
    """
    discounts = list(discounts)
    offs = [one.off for one in discounts if isinstance(one.off, Money)]
    if {money.currency for money in (*offs, *(item.amount for item in items))} - {currency}:
        raise ValueError(f"cannot mix {currency} and another currency")
    if any(item.amount.amount_minor < 0 for item in items):
        raise ValueError("only what is charged can be discounted")
    gross = [Fraction(item.amount.amount_minor) for item in items]
    left = list(gross)
    for discount in sorted(discounts, key=lambda one: one.scope):
        bearing = [n for n, item in enumerate(items) if discount.bears(item)]
        parts = _parts(discount.off, [left[n] for n in bearing], spread)
        for n, part in zip(bearing, parts, strict=True):
            left[n] -= part
    taken = tuple(cost - rest for cost, rest in zip(gross, left, strict=True))
    return Discounted(currency, tuple(gross), taken)


def difference(
    before: Sequence[Item], after: Sequence[Item], discounts: Sequence[Discount], currency: str
) -> Money:
    """Tell what a change of items costs: both totals discounted, never what is between them."""
    new, old = (discounted(items, discounts, currency).net for items in (after, before))
    return new - old


def _parts(off: Rate | Money, costs: Sequence[Fraction], spread: Spread) -> list[Fraction]:
    """Spread a discount over costs in proportion, no more than they are."""
    whole = sum(costs, Fraction(0))
    if not whole:
        return [Fraction(0)] * len(costs)
    wanted = whole * off.ppm / PER_MILLION if isinstance(off, Rate) else Fraction(off.amount_minor)
    given = min(wanted, whole)
    if spread is Spread.FINE:
        return [at_places(given * cost / whole, FINE_PLACES) for cost in costs]
    return [Fraction(part) for part in split(nearest(given), [int(cost) for cost in costs])]
