"""A promotion: a discount that is had by its code, when, how often and together with which others.

What it takes off never changes once somebody has it; until when it may be had, and how often, may.
A redemption is a promotion that an account has. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from billing.catalog.model import OfferingKind
from billing.promotions.model import Discount, Scope
from terms.errors import Invalid
from terms.money import Money, Rate

ALONE = "*"  # the group of a promotion that is combined with no other
AHEAD_MAX = 120
TIMES_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A discount, and who may have it.

    It is had from `from_on` to before `until_on`, `redeem_max` times in all and `account_max` times
    by one account; no limit is None. Of one `group` an account has one at a time, so that those of
    different groups are combined. With `ahead`, so many periods of one subscription are charged at
    once, and it counts for these alone.
    """

    discount: Discount
    name: str
    group: str
    from_on: date
    until_on: date | None = None
    redeem_max: int | None = None
    account_max: int = 1
    ahead: int | None = None

    def __post_init__(self) -> None:
        if self.until_on and self.until_on <= self.from_on:
            raise Invalid("until", "must be after from_on")
        for name, times in (("limit", self.redeem_max), ("limit_account", self.account_max)):
            if times is not None and not 1 <= times <= TIMES_MAX:
                raise Invalid(name, f"must be 1 to {TIMES_MAX}")
        if self.ahead is not None:
            self._check_ahead(self.ahead)

    def _check_ahead(self, periods: int) -> None:
        if not 1 <= periods <= AHEAD_MAX:
            raise Invalid("ahead", f"must be 1 to {AHEAD_MAX} periods")
        if self.discount.scope is not Scope.LINE:
            raise Invalid("ahead", "is of a line: name its offerings in limited_to")
        if self.discount.periods_max is not None:
            raise Invalid("ahead", "says how many periods it counts for: leave periods empty")

    @property
    def code(self) -> str:
        """What it is had by."""
        return self.discount.code

    @property
    def currency(self) -> str:
        """The currency of a fixed amount; empty for a share."""
        off = self.discount.off
        return off.currency if isinstance(off, Money) else ""

    def is_had_on(self, day: date) -> bool:
        """Whether it may be redeemed on a day."""
        return self.from_on <= day and (self.until_on is None or day < self.until_on)

    def excludes(self, group: str) -> bool:
        """Whether it is not combined with one of a group."""
        return ALONE in (self.group, group) or self.group == group


def spelled(code: str) -> str:
    """Spell a code as it is kept: people type it in any letters."""
    return code.strip().upper()


def changed_promotions(
    held: Iterable[Promotion], offered: Iterable[Promotion], redeemed: Mapping[str, int]
) -> list[Promotion]:
    """Those that are new or differ; `redeemed` tells how often each was.

    Raises Invalid where one that somebody has would take off something else than it did, or would
    be had less often than it was, and for one that ends before anybody can have it.
    """
    known = {one.code: one for one in held}
    changed = [one for one in offered if known.get(one.code) != one]
    for one in changed:
        before, times, where = known.get(one.code), redeemed.get(one.code, 0), one.code
        if before is not None and times and _meaning(before) != _meaning(one):
            why = "somebody has it already: publish another code instead"
            raise Invalid(f"promotions.{where}", why)
        if one.redeem_max is not None and one.redeem_max < times:
            raise Invalid(f"promotions.{where}.limit", f"was had {times} times already")
        if one.discount.until is not None and one.discount.until <= one.from_on:
            raise Invalid(f"promotions.{where}.ends", "must be after from_on")
    return changed


def misfit(one: Promotion, offering: str, kind: OfferingKind) -> str:
    """Say why a promotion cannot be limited to an offering; nothing where it can."""
    if one.discount.scope is Scope.PLAN and kind is not OfferingKind.PLAN:
        return f"'{offering}' is no plan"
    if kind is OfferingKind.ONE_OFF:
        return f"'{offering}' is bought once, and nothing is taken off that"
    if one.ahead is not None and kind is OfferingKind.RENTAL:
        return f"'{offering}' is a rental and cannot be paid ahead"
    return ""


def _meaning(one: Promotion) -> Promotion:
    """Say what may not change: all but its name and who may still have it."""
    return replace(one, name="", from_on=date.min, until_on=None, redeem_max=None, account_max=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A promotion that an account has: for charges that begin from `from_on` to before `until_on`.

    Of one that is paid ahead, `subject` is the subscription it is for.
    """

    id: str
    promotion: Promotion
    from_on: date
    until_on: date | None = None
    subject: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether it matters what it has taken off already."""
        discount = self.promotion.discount
        return discount.periods_max is not None or isinstance(discount.off, Money)

    @property
    def is_by_plan(self) -> bool:
        """Whether it matters under which plan something is had."""
        return self.promotion.discount.scope is Scope.PLAN

    def counts(self, *, period: int, begins_on: date, whole_on: date) -> bool:
        """Tell whether it counts for charges that begin on a day, in the n-th period it does.

        Their whole period begins on `whole_on`: what is charged anew within one that began in time
        is discounted as it was.
        """
        return (
            self.from_on <= begins_on
            and (self.until_on is None or whole_on < self.until_on)
            and self.promotion.discount.counts(period=period, begins_on=whole_on)
        )

    def is_over(self, periods: int, day: date) -> bool:
        """Whether it counts for nothing any more after so many periods, on a day."""
        most, ends = self.promotion.discount.periods_max, self.promotion.discount.until
        return (
            (most is not None and periods >= most)
            or (self.until_on is not None and self.until_on <= day)
            or (ends is not None and ends <= day)
        )


def off_of(percent: Rate | None, amount: Money | None) -> Rate | Money:
    """Say what is taken off. Raises Invalid for both, neither, or nothing at all."""
    if percent is not None and amount is None:
        if not percent.ppm:
            raise Invalid("percent", "takes nothing off")
        return percent
    if amount is not None and percent is None:
        if not amount.amount_minor:
            raise Invalid("amount", "takes nothing off")
        return amount
    raise Invalid("percent", "is given, or an amount, and never both")


def clashing(one: Promotion, others: Sequence[Promotion]) -> Promotion | None:
    """Find a promotion that another is not combined with."""
    return next((other for other in others if one.excludes(other.group)), None)
