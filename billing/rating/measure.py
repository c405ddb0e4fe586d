"""How a part of a period is measured, and what share of an amount it costs.

Amounts are cut by what has been reached: a part costs what the period costs up to its end, less
what it costs up to its start, each rounded half up once. So the parts of a period sum to the whole
wherever it is cut, and none of them has to know the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction

from billing.catalog.terms import Measure
from terms.calendar import Period, start_of_day
from terms.money import divide_half_up
from terms.schedule import MONTHLY, Schedule, Unit

DAYS_OF_A_MONTH = 30


class Leading(StrEnum):
    """What the part before the first whole period is a part of."""

    CONTAINING = "containing"  # of the period it lies in, by the anchor that no month clamps
    STEPPED = "stepped"  # of one interval back from where it ends, clamped as that day may be


class Cut(StrEnum):
    """How the parts of a period are rounded."""

    REACHED = "reached"  # what is reached at the end less what was at the start: parts always sum
    APART = "apart"  # each by itself: parts may miss the whole by a minor unit each


@dataclass(frozen=True, slots=True)
class Manner:
    """How parts of periods are counted and rounded; that of the house unless it is told."""

    leading: Leading = Leading.CONTAINING
    cut: Cut = Cut.REACHED


OURS = Manner()


@dataclass(frozen=True, slots=True)
class Share:
    """The units from `since` up to `until` of a period that has `of` of them."""

    since: int
    until: int
    of: int

    @classmethod
    def rest(cls, units: int, of: int) -> Share:
        """Return the last units of a period."""
        return cls(of - units, of, of)

    @property
    def units(self) -> int:
        """How many units it has."""
        return self.until - self.since

    def part(self, amount_minor: int, cut: Cut = Cut.REACHED) -> int:
        """Return what this share costs of what the period costs, in minor units."""
        if self.units == self.of:
            return amount_minor
        if cut is Cut.APART:
            return divide_half_up(amount_minor * self.units, self.of)
        upto, before = (divide_half_up(amount_minor * n, self.of) for n in (self.until, self.since))
        return upto - before


WHOLE = Share(0, 1, 1)


def periods_in(shares: Iterable[Share]) -> Fraction:
    """Tell how many whole periods shares make together, exactly."""
    return sum((Fraction(one.units, one.of) for one in shares), Fraction(0))


def units_in(shares: Iterable[Share]) -> int:
    """Tell how many units shares have together."""
    return sum(one.units for one in shares)


def share(part: Period, whole: Period, measure: Measure, schedule: Schedule, zone: str) -> Share:
    """Measure a part of a period of a schedule, in the zone of whoever pays."""
    if measure is Measure.WHOLE:
        return WHOLE
    if measure is Measure.SECOND:
        return _counted(part, whole, lambda day: _seconds(day, zone))
    if measure is Measure.THIRTY and schedule.interval.unit is Unit.MONTH:
        months = replace(schedule, interval=MONTHLY)
        return _counted(part, whole, lambda day: _thirties(whole, day, months))
    return _counted(part, whole, date.toordinal)


def reached(part: Period, taken: Share, measure: Measure, day: date, zone: str) -> Share:
    """Return what is before a day of a part that was measured so."""
    days = (day - part.start).days
    if day >= part.end:
        return taken
    if measure is Measure.WHOLE:
        units = 0
    elif measure is Measure.SECOND:
        units = _seconds(day, zone) - _seconds(part.start, zone)
    else:  # where months have thirty days, longer ones are stretched over all of theirs
        units = days * taken.units // part.days
    return Share(taken.since, taken.since + units, taken.of)


def _seconds(day: date, zone: str) -> int:
    return int(start_of_day(day, zone).timestamp())


def _counted(part: Period, whole: Period, place: Callable[[date], int]) -> Share:
    first = place(whole.start)
    return Share(place(part.start) - first, place(part.end) - first, place(whole.end) - first)


def _thirties(whole: Period, day: date, months: Schedule) -> int:
    """Count thirty days for each month that has ended by a day; its 31st counts no more."""
    month, ended = months.containing(whole.start), 0
    while month.end <= day:
        month, ended = months.after(month), ended + 1
    return ended * DAYS_OF_A_MONTH + min((day - month.start).days, DAYS_OF_A_MONTH)
