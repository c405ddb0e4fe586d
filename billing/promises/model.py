"""A promised payment: what is owed is paid by a day; until it is over dunning stands still.

It delays what dunning does and changes no money: no invoice, no due date, no amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from billing.payments.model import Debt
from terms.calendar import days_after
from terms.errors import Invalid
from terms.ids import AccountId
from terms.money import Money

DAYS_MAX = 365
AMOUNT_MINOR_MAX = 10**15
COUNT_MAX = 1_000
PAID_MONTHS_MAX = 600
STANDINGS_MAX = 10


class PromiseState(StrEnum):
    """What has become of a promise."""

    STANDING = "standing"  # its last day is not over, and not all of it is paid
    KEPT = "kept"  # all of it was paid in time
    BROKEN = "broken"  # its last day was over first


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds for whoever has paid for so many months, instead of what holds for everybody."""

    paid_months: int
    days_max: int
    owed_max_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisePolicy:
    """Which promises an operator takes: none where `days_max` is 0.

    `pause_days` have to pass after a broken one. What is owed may not be less or more than the
    bounds, where there are any. Within `count_days` an account makes `count_max` at most, and none
    once it has broken `broken_max`; 0 is any number. Of the `standings` the best counts that an
    account has come to. Raises Invalid for a policy that makes no sense.
    """

    days_max: int = 7
    pause_days: int = 30
    owed_min_minor: int | None = None
    owed_max_minor: int | None = None
    count_max: int = 0
    count_days: int = DAYS_MAX
    broken_max: int = 0
    standings: tuple[Standing, ...] = ()

    def __post_init__(self) -> None:
        days_max, paid_max = DAYS_MAX, PAID_MONTHS_MAX
        bounded = [
            ("days_max", self.days_max, days_max),
            ("pause_days", self.pause_days, days_max),
            ("count_days", self.count_days, days_max),
            ("count_max", self.count_max, COUNT_MAX),
            ("broken_max", self.broken_max, COUNT_MAX),
        ]
        for n, one in enumerate(self.standings):
            bounded.append((f"standing.{n}.paid_months", one.paid_months, paid_max))
            bounded.append((f"standing.{n}.days_max", one.days_max, days_max))
            bounded.append((f"standing.{n}.owed_max", one.owed_max_minor or 0, AMOUNT_MINOR_MAX))
        for name, number, most_ in bounded:
            if not 0 <= number <= most_:
                raise Invalid(f"promises.{name}", f"must be 0 to {most_}")
        months = [one.paid_months for one in self.standings]
        if months != sorted(set(months)) or len(months) > STANDINGS_MAX:
            why = f"at most {STANDINGS_MAX}, by rising months"
            raise Invalid("promises.standing", why)
        least, most = self.owed_min_minor or 0, self.owed_max_minor
        bounds = (least, most if most is not None else least)
        if any(not 0 <= bound <= AMOUNT_MINOR_MAX for bound in bounds):
            raise Invalid("promises.owed_min", "must be an amount, and not absurdly large")
        if most is not None and most < least:
            raise Invalid("promises.owed_max", "must not be less than owed_min")

    def of(self, paid_months: int) -> PromisePolicy:
        """Give what holds for whoever has paid for so many months."""
        reached = [one for one in self.standings if one.paid_months <= paid_months]
        if not reached:
            return self
        best = reached[-1]
        most = self.owed_max_minor if best.owed_max_minor is None else best.owed_max_minor
        return replace(self, days_max=best.days_max, owed_max_minor=most, standings=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Who promised to pay until when, the last day included.

    It is about every invoice up to the number `through`, of which `amount` was open.
    """

    id: str
    account: AccountId
    until_on: date
    through: int
    amount: Money
    state: PromiseState = PromiseState.STANDING
    ended_on: date | None = None

    @property
    def is_standing(self) -> bool:
        """Whether it holds dunning up."""
        return self.state is PromiseState.STANDING

    @property
    def over_on(self) -> date:
        """The first day on which it does not stand any more."""
        return days_after(self.until_on, 1)

    def covers(self, debt: Debt) -> bool:
        """Whether it is about a debt."""
        return debt.sequence <= self.through


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a promise is judged by: what is owed, the newest promise of the account, and those that
    were over lately, the oldest first.
    """

    debts: Sequence[Debt]
    owed: Money
    newest: Promise | None
    lately: Sequence[Promise] = ()


def check(asked: Asked, policy: PromisePolicy, until_on: date, today: date) -> None:
    """Tell whether a promise may be made today. Raises Invalid with the reason."""
    if policy.days_max == 0:
        raise Invalid("until", "this operator takes none")
    if not asked.debts:
        raise Invalid("until", "nothing is owed")
    newest = asked.newest
    if newest and newest.is_standing:
        raise Invalid("until", f"one stands until {newest.until_on}")
    _check_pause(newest, policy, today)
    _check_history(asked.lately, policy, today)
    _check_owed(asked.owed, policy)
    if not today <= until_on <= days_after(today, policy.days_max):
        last = days_after(today, policy.days_max)
        raise Invalid("until", f"must be a day from {today} to {last}")


def _check_pause(newest: Promise | None, policy: PromisePolicy, today: date) -> None:
    if newest is None or newest.state is not PromiseState.BROKEN:
        return
    again_on = days_after(newest.over_on, policy.pause_days)
    if today < again_on:
        raise Invalid("until", f"the last one was broken; another may be made from {again_on}")


def _check_history(lately: Sequence[Promise], policy: PromisePolicy, today: date) -> None:
    """Count what lies within the days; the oldest that counts says from when on fewer do."""
    since = days_after(today, -policy.count_days)
    known = [one for one in lately if one.until_on > since]
    broken = [one for one in known if one.state is PromiseState.BROKEN]
    for found, most, word in (
        (broken, policy.broken_max, "were broken"),
        (known, policy.count_max, "were made"),
    ):
        if most and len(found) >= most:
            again_on = days_after(sorted(one.until_on for one in found)[-most], policy.count_days)
            why = f"{len(found)} {word} within {policy.count_days} days"
            raise Invalid("until", f"{why}; another may be made from {again_on}")


def _check_owed(owed: Money, policy: PromisePolicy) -> None:
    least, most = policy.owed_min_minor, policy.owed_max_minor
    if least is not None and owed.amount_minor < least:
        raise Invalid("until", f"less than {Money(least, owed.currency)} is owed")
    if most is not None and owed.amount_minor > most:
        raise Invalid("until", f"more than {Money(most, owed.currency)} is owed")


def state_on(one: Promise, debts: Sequence[Debt], today: date, *, is_in_time: bool) -> PromiseState:
    """Judge a standing promise by what is open; `is_in_time` tells when the last of it was paid."""
    if any(one.covers(debt) for debt in debts):
        return PromiseState.STANDING if today < one.over_on else PromiseState.BROKEN
    return PromiseState.KEPT if is_in_time else PromiseState.BROKEN
