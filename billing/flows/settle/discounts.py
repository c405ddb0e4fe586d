"""What the promotions of an account take off its lines. Pure.

Discounts are taken off the rates of whole periods, and a line charges its part of what is left: so
days that are given back and charged again cost what they did. A fixed amount is had once a period:
what other subjects have of it on the day a line begins is not given again. The n-th period of a
promotion is told by the lines that bore it, each whole period counting once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from billing.catalog.model import OfferingKind
from billing.flows.settle.facts import Borne, Facts, Redeemed
from billing.promotions.model import Discount, Item, discounted
from billing.promotions.promotion import Redemption
from billing.rating.due import Rates
from billing.rating.execute import execute
from billing.rating.model import BY_THE_PERIOD, Charge, Line, Off
from terms.calendar import Period
from terms.money import Money, split

KNOWN_MAX = 20_000


def taken_off(facts: Facts, rates: Rates, lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines of an account with what its promotions take off each."""
    if facts.redeemed is None:
        return lines
    return _Taking(facts.redeemed, facts, rates).lines(lines)


@dataclass(slots=True)
class _Taking:
    """Takes the promotions of one account off its lines, in the order in which lines begin."""

    redeemed: Redeemed
    facts: Facts
    rates: Rates
    lasts: dict[str, tuple[date, date | None]] = field(init=False)
    borne: list[Borne] = field(init=False)
    periods: dict[str, set[date]] = field(init=False)
    counted: set[str] = field(init=False)
    is_by_plan: bool = field(init=False)

    def __post_init__(self) -> None:
        self.lasts = {
            one.id: (one.charged_from, one.until_on)
            for household in self.facts.households
            for one in household.charged
        }
        self.borne = list(self.redeemed.borne)
        self.counted = {one.id for one in self.redeemed.redemptions if one.is_counted}
        self.is_by_plan = any(one.is_by_plan for one in self.redeemed.redemptions)
        self.periods = {one.id: set() for one in self.redeemed.redemptions}
        for each in self.borne:
            self.periods[each.redemption].add(each.ends_on)

    def lines(self, lines: Sequence[Line]) -> list[Line]:
        groups: dict[tuple[date, Period], list[int]] = {}
        for n, line in enumerate(lines):
            if line.charge.kind in BY_THE_PERIOD:
                groups.setdefault((line.charge.period.start, self._whole(line)), []).append(n)
        after = list(lines)
        for (start, whole), places in sorted(groups.items()):
            found = self._take([lines[n] for n in places], start, whole)
            for n, line in zip(places, found, strict=True):
                after[n] = line
        return after

    def _whole(self, line: Line) -> Period:
        """Find the whole period that a line is of."""
        charge = line.charge
        began = self.lasts[line.subject][0]
        bill_day = self.facts.account.bill_day
        return self.rates.period_of(charge.offering, bill_day, began, charge.period.start)

    def _take(self, lines: list[Line], start: date, whole: Period) -> list[Line]:
        """Take off the lines of one period that begin on a day."""
        ends = whole.end
        counting = [one for one in self.redeemed.redemptions if self._counts(one, start, whole)]
        if not counting:
            return lines
        subjects = {line.subject for line in lines}
        offers = tuple(self._offer(one, subjects, start, ends) for one in counting)
        is_named = any(offer.subject for offer in offers)
        costs = tuple([self._cost(line, is_named=is_named) for line in lines])
        parts = _spread(costs, offers)
        after = []
        for line, mine in zip(lines, zip(*parts, strict=True), strict=True):
            offs = [
                Off(one.id, one.promotion.name, ends, off, 0)
                for one, off in zip(counting, mine, strict=True)
                if off
            ]
            self._note(line, offs)
            after.append(_less(line, offs) if offs else line)
        return after

    def _counts(self, one: Redemption, start: date, whole: Period) -> bool:
        periods = self.periods[one.id]
        n = len(periods) if whole.end in periods else len(periods) + 1
        return one.counts(period=n, begins_on=start, whole_on=whole.start)

    def _cost(self, line: Line, *, is_named: bool) -> _Cost:
        charge = line.charge
        plan = self._plan(line) if self.is_by_plan else ""
        return _Cost(charge.offering, plan, charge.rate, line.subject if is_named else "")

    def _plan(self, line: Line) -> str:
        """Name the plan that a line is of, or that its household has on the day it begins."""
        book, charge = self.rates.book, line.charge
        if book.offering(charge.offering).kind is OfferingKind.PLAN:
            return charge.offering
        household = next(h for h in self.facts.households if h.service.id == line.service)
        plans = (
            one.offering
            for one in household.subscriptions
            if book.offering(one.offering).kind is OfferingKind.PLAN
            and one.is_current(charge.period.start)
        )
        return next(plans, "")

    def _offer(self, one: Redemption, subjects: set[str], start: date, ends: date) -> _Offer:
        """Say what a redemption has left for the lines of subjects that begin on a day."""
        discount = one.promotion.discount
        if isinstance(discount.off, Money):
            had = sum(
                each.off_minor
                for each in self.borne
                if (each.redemption, each.ends_on) == (one.id, ends)
                and each.subject not in subjects
                and start in each.days
                and self._lasts(each.subject, start)
            )
            left = Money(max(discount.off.amount_minor - had, 0), discount.off.currency)
            discount = replace(discount, off=left)
        return _Offer(discount, one.subject)

    def _lasts(self, subject: str, day: date) -> bool:
        until = self.lasts.get(subject, (day, day))[1]
        return until is None or day < until

    def _note(self, line: Line, offs: Sequence[Off]) -> None:
        """Remember what a line bears, for those that begin later."""
        for off in offs:
            if off.redemption in self.counted:
                days = line.charge.period
                self.periods[off.redemption].add(off.ends_on)
                self.borne.append(
                    Borne(off.redemption, line.subject, days, off.ends_on, off.off_minor)
                )


class _Cost(NamedTuple):
    """What a line would cost the whole period."""

    offering: str
    plan: str
    rate: Money
    subject: str


class _Offer(NamedTuple):
    """A discount, perhaps of one subject alone."""

    discount: Discount
    subject: str


@lru_cache(maxsize=KNOWN_MAX)
def _spread(costs: tuple[_Cost, ...], offers: tuple[_Offer, ...]) -> tuple[tuple[int, ...], ...]:
    """Say what each offer takes off each cost, in minor units."""
    left = [cost.rate for cost in costs]
    spread = []
    for discount, subject in offers:
        bearing = [n for n, cost in enumerate(costs) if subject in ("", cost.subject)]
        items = [
            Item(offering=costs[n].offering, plan=costs[n].plan, amount=left[n]) for n in bearing
        ]
        offs = [0] * len(costs)
        for n, off in zip(
            bearing, discounted(items, [discount], left[0].currency).offs, strict=True
        ):
            offs[n] = off.amount_minor
            left[n] -= off
        spread.append(tuple(offs))
    return tuple(spread)


def _less(line: Line, offs: Sequence[Off]) -> Line:
    """Charge the part of what is left of the rate."""
    charge, parts = _left(line.charge, tuple([one.off_minor for one in offs]))
    return Line(
        service=line.service,
        subject=line.subject,
        label=line.label,
        charge=charge,
        take=line.take,
        offs=tuple(
            [one._replace(amount_minor=part) for one, part in zip(offs, parts, strict=True)]
        ),
    )


@lru_cache(maxsize=KNOWN_MAX)
def _left(charge: Charge, offs: tuple[int, ...]) -> tuple[Charge, tuple[int, ...]]:
    """Say what a charge comes to with so much off its rate, and how much less that is by each."""
    less = replace(charge, off_minor=sum(offs))
    left = execute(less)
    # Where a tiny discount moves the rounding of a part the wrong way, it took off nothing.
    saved = max((charge.amount - left).amount_minor, 0)
    return replace(less, amount=left), tuple(split(saved, offs))
