"""Schedules of billing: periods one after the other, counted from an origin alone.

An interval is so many calendar months or so many days (ISO 8601: P1M, P3M, P1Y, P30D). Months have
an anchor day 1..31, which short months clamp and no month forgets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from terms.calendar import Period, anchored

MONTHS_MAX = 120
DAYS_MAX = 3_660
_MONTHS_OF_A_YEAR = 12
_DAYS_OF_A_WEEK = 7
_TEXT = re.compile(r"P([1-9][0-9]{0,3})([YMWD])")


class Unit(StrEnum):
    """What an interval counts."""

    MONTH = "month"
    DAY = "day"


_LETTERS = {
    "Y": (Unit.MONTH, _MONTHS_OF_A_YEAR),
    "M": (Unit.MONTH, 1),
    "W": (Unit.DAY, _DAYS_OF_A_WEEK),
    "D": (Unit.DAY, 1),
}
_LONGEST = {Unit.MONTH: MONTHS_MAX, Unit.DAY: DAYS_MAX}


@dataclass(frozen=True, slots=True)
class Interval:
    """How long a period is. Raises ValueError for one that is empty or longer than ten years."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _LONGEST[self.unit]:
            raise ValueError(f"an interval has 1 to {_LONGEST[self.unit]} {self.unit}s")

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read an ISO 8601 duration of one unit: P1M, P1Y, P2W, P30D. Raises ValueError."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"not an interval: {text!r}")
        unit, factor = _LETTERS[match[2]]
        return cls(int(match[1]) * factor, unit)

    def __str__(self) -> str:
        if self.unit is Unit.DAY:
            return f"P{self.count}D"
        years, months = divmod(self.count, _MONTHS_OF_A_YEAR)
        return f"P{self.count}M" if months else f"P{years}Y"


MONTHLY = Interval(1, Unit.MONTH)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The periods of one interval: those that begin at the origin's month, or on its day."""

    interval: Interval
    anchor_day: int
    origin: date

    def containing(self, day: date) -> Period:
        """Find the period that contains a day."""
        return _containing(self.interval, self.anchor_day, self._first, day)

    def after(self, period: Period) -> Period:
        """Return the period that begins where one of this schedule ends."""
        return self.containing(period.end)

    def before(self, period: Period) -> Period:
        """Return the period that ends where one of this schedule begins."""
        return self.containing(period.start - timedelta(days=1))

    def first_begin(self, day: date) -> date:
        """Find the first day, this one or later, on which a period begins."""
        period = self.containing(day)
        return day if period.start == day else period.end

    def stepped_back(self, end: date) -> Period:
        """Return an interval that ends on a day, stepping back from that very day of the month.

        Where a short month has clamped it, that is not the period of this schedule which ends then.
        """
        if self.interval.unit is Unit.DAY:
            return Period(end - timedelta(days=self.interval.count), end)
        return Period(anchored(end.year, end.month - self.interval.count, end.day), end)

    def periods(self, first: date, last: date) -> Iterator[Period]:
        """Walk the periods from the one that contains a day to the one that contains another."""
        period = self.containing(first)
        while period.start <= last:
            yield period
            period = self.after(period)

    @property
    def _first(self) -> date:
        """The origin, made alike where the periods are: what was found for one serves many."""
        if self.interval.unit is Unit.DAY:
            return self.origin
        month = (self.origin.year * _MONTHS_OF_A_YEAR + self.origin.month - 1) % self.interval.count
        return date(2000 + month // _MONTHS_OF_A_YEAR, month % _MONTHS_OF_A_YEAR + 1, 1)


@lru_cache(maxsize=65_536)
def _containing(interval: Interval, anchor_day: int, first: date, day: date) -> Period:
    if interval.unit is Unit.DAY:
        start = day - timedelta(days=(day - first).days % interval.count)
        return Period(start, start + timedelta(days=interval.count))
    months = (day.year - first.year) * _MONTHS_OF_A_YEAR + day.month - first.month
    months -= months % interval.count
    if anchored(first.year, first.month + months, anchor_day) > day:
        months -= interval.count
    start, end = (
        anchored(first.year, first.month + count, anchor_day)
        for count in (months, months + interval.count)
    )
    return Period(start, end)
