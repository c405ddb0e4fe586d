"""What an operator gives for loyalty: points for money that is paid, credit for who brings others.

A point is worth one minor unit of the account's currency. Points that are spent, taken back or
expired use up those first that expire first. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from terms.calendar import anchored
from terms.errors import Invalid
from terms.money import NO_CURRENCY, PER_MILLION, Money, Rate

MONTHS_MAX = 120
TIERS_MAX = 20
YEAR_DAYS = 365  # so far back counts what an account has paid, for its tier


class PointKind(StrEnum):
    """Why points come or go."""

    EARNED = "earned"  # money was paid
    TAKEN_BACK = "taken_back"  # that money went back
    SPENT = "spent"  # they became credit
    EXPIRED = "expired"  # nobody spent them in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Who has paid at least `from_minor` within a year earns this share of what is paid next."""

    name: str
    from_minor: int
    earns: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What an operator gives: `referral` once for each household brought, points by tiers.

    Points last `months`. Without tiers nobody earns any, without `referral` nobody is asked to
    bring others. Tiers begin at amounts of the `currency`. Raises Invalid for one that makes no
    sense.
    """

    referral: Money | None = None
    months: int = 24
    tiers: Sequence[Tier] = ()
    currency: str = field(default=NO_CURRENCY, compare=False)

    def __post_init__(self) -> None:
        if self.referral is not None and self.referral.amount_minor <= 0:
            raise Invalid("loyalty.referral", "must be more than nothing")
        if not 1 <= self.months <= MONTHS_MAX:
            raise Invalid("loyalty.months", f"must be 1 to {MONTHS_MAX}")
        bounds = [tier.from_minor for tier in self.tiers]
        if bounds and (bounds[0] != 0 or bounds != sorted(set(bounds))):
            raise Invalid("loyalty.tiers", "begin at nothing, and each higher than the one before")
        if len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise Invalid("loyalty.tiers", "no two of them have one name")
        if any(tier.earns.ppm > PER_MILLION for tier in self.tiers):
            raise Invalid("loyalty.tiers", "nobody earns more than is paid")

    def tier(self, paid_minor: int) -> Tier | None:
        """Find the tier of an account that has paid so much within a year."""
        reached = [tier for tier in self.tiers if tier.from_minor <= max(paid_minor, 0)]
        return reached[-1] if reached else None

    def earns(self, paid_minor: int, amount_minor: int) -> int:
        """Tell how many points a payment brings; what is not a whole point is none."""
        tier = self.tier(paid_minor)
        return amount_minor * tier.earns.ppm // PER_MILLION if tier else 0

    def expires_on(self, day: date) -> date:
        """Tell the first day on which points of a day cannot be spent any more."""
        return anchored(day.year, day.month + self.months, day.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Points that were earned together."""

    points: int
    expires_on: date


def expired(lots: Iterable[Lot], used: int, today: date) -> int:
    """Tell how many points are to expire by a day, of which so many are used up already."""
    over = sum(lot.points for lot in lots if lot.expires_on <= today)
    return max(over - used, 0)


def kept(earned: int, amount_minor: int, back_minor: int) -> int:
    """Tell how many points of a payment stay earned when so much of its money went back."""
    return earned * (amount_minor - back_minor) // amount_minor
