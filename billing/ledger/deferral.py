"""Deferred revenue: what was charged for days that are still to come is earned by these days. Pure.

A month is earned when it is over. What is reached at its end less what was reached before is its
part, so that the parts of all months are the amount. What a credit note takes of it is a deferral
of its own, of a negative amount, and earned as that is of which it was taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from terms.calendar import Period, period_containing
from terms.ids import AccountId
from terms.money import Money, divide_half_up


def month_of(day: date) -> Period:
    """Tell the calendar month that a day lies in."""
    return period_containing(day, 1)


def month_end(day: date) -> date:
    """Tell where the month of a day ends: what reaches beyond is deferred if it is booked then."""
    return month_of(day).end


def is_deferred(end: date, booked_on: date) -> bool:
    """Tell whether days up to an end reach beyond the month in which they are booked."""
    return end > month_end(booked_on)


def unearned(given_back: Period, end: date, booked_on: date, on: date) -> Period | None:
    """Tell which days that are given back on a day are not earned yet, if any.

    They are of a charge up to `end` that was booked on `booked_on`. Months before the present one
    are earned, but for those before the charge was booked: they are earned with the month in which
    it was.
    """
    if not is_deferred(end, booked_on):
        return None
    month = month_of(on)
    start = given_back.start if booked_on in month else max(given_back.start, month.start)
    return Period(start, given_back.end) if start < given_back.end else None


def unearned_part(amount: Money, given_back: Period, still: Period | None) -> Money:
    """Tell what of an amount that is given back for days is of those not earned yet."""
    if still is None:
        return Money(0, amount.currency)
    return amount.portion(still.days, given_back.days)


def reached_minor(amount: Money, period: Period, day: date) -> int:
    """Tell how much of an amount the days of a period before a day have earned."""
    days = (min(max(day, period.start), period.end) - period.start).days
    return divide_half_up(amount.amount_minor * days, period.days)


@dataclass(frozen=True, slots=True)
class Part:
    """So much of what is deferred for some days was taken."""

    amount: Money
    period: Period


def reached_less(amount: Money, period: Period, parts: Sequence[Part], day: date) -> list[int]:
    """Tell how much of an amount is earned before a day, then of each part that was taken of it.

    A part keeps step with what the parts before it have left of its days, rounded down. So what is
    earned of all together never falls, and never exceeds what they come to.
    """
    marks = {day, *(mark for one in parts for mark in (one.period.start, one.period.end))}
    left = {mark: reached_minor(amount, period, mark) for mark in marks}
    found = [left[day]]
    for one in parts:
        taken = {mark: _kept_step(one, left, mark) for mark in marks}
        found.append(taken[day])
        left = {mark: left[mark] - taken[mark] for mark in marks}
    return found


def _kept_step(part: Part, left: Mapping[date, int], mark: date) -> int:
    start, end = part.period.start, part.period.end
    whole = left[end] - left[start]
    if whole <= 0:  # it was taken before parts were cut to what there is
        return reached_minor(part.amount, part.period, mark)
    return part.amount.amount_minor * (left[min(max(mark, start), end)] - left[start]) // whole


def left_between(amount: Money, period: Period, parts: Sequence[Part], days: Period) -> int:
    """Tell what parts have left of an amount for some days."""
    reached = [reached_less(amount, period, parts, day) for day in (days.start, days.end)]
    before, after = (of_all - sum(of_parts) for of_all, *of_parts in reached)
    return after - before


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """Line `n` of a document, earned by the days of a period; so much of it already is.

    What was taken of another line names that: its document and number.
    """

    document: str
    n: int
    account: AccountId
    amount: Money
    period: Period
    earned_minor: int = 0
    taken_of: tuple[str, int] | None = None

    @property
    def rest(self) -> Money:
        """What is not earned yet."""
        return self.amount - Money(self.earned_minor, self.amount.currency)

    @property
    def is_over(self) -> bool:
        """Whether all of it is earned."""
        return self.earned_minor == self.amount.amount_minor

    def earned_until(self, day: date) -> Deferral:
        """Return it as it stands when the days before a day are earned."""
        return replace(self, earned_minor=reached_minor(self.amount, self.period, day))


def earned(deferrals: Sequence[Deferral], day: date) -> list[Deferral]:
    """Return them as they stand when the days before a day are earned.

    What was taken of a line comes in the order in which it was.
    """
    parts: dict[tuple[str, int], list[Deferral]] = {}
    for one in deferrals:
        if one.taken_of:
            parts.setdefault(one.taken_of, []).append(one)
    found: dict[tuple[str, int], Deferral] = {}
    for one in deferrals:
        if one.taken_of is None:
            mine = parts.get((one.document, one.n), [])
            taken = [Part(-part.amount, part.period) for part in mine]
            reached, *of_parts = reached_less(one.amount, one.period, taken, day)
            found[one.document, one.n] = replace(one, earned_minor=reached)
            for part, minor in zip(mine, of_parts, strict=True):
                found[part.document, part.n] = replace(part, earned_minor=-minor)
    # What is left of a line that is earned to its end is earned by its own days.
    return [found.get((one.document, one.n)) or one.earned_until(day) for one in deferrals]
