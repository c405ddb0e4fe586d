"""The terms an offering is sold on: how long its periods are, when they are due, how they are cut.

Part of the offering, so that they never change once it is sold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from terms.schedule import MONTHLY, Interval, Schedule


class Timing(StrEnum):
    """When a period is charged."""

    ADVANCE = "advance"  # on its first day
    ARREARS = "arrears"  # when it is over


class Alignment(StrEnum):
    """On which day periods begin."""

    ACCOUNT = "account"  # on the bill day of whoever pays
    OWN = "own"  # on the day of the month on which it began


class Measure(StrEnum):
    """What parts of a period are counted in."""

    DAY = "day"  # local calendar days
    THIRTY = "thirty"  # days of months that have thirty each
    SECOND = "second"  # seconds between local midnights: a day of summer time may be an hour short
    WHOLE = "whole"  # nothing: what has begun costs the whole period


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By default a calendar month in advance, from bill day to bill day, by the day."""

    interval: Interval = MONTHLY
    timing: Timing = Timing.ADVANCE
    alignment: Alignment = Alignment.ACCOUNT
    measure: Measure = Measure.DAY

    @property
    def counts_from_its_begin(self) -> bool:
        """Whether it matters for the periods when something began."""
        return self.alignment is Alignment.OWN or self.interval != MONTHLY

    def schedule(self, bill_day: int, began_on: date) -> Schedule:
        """Lay out the periods of something that began on a day."""
        is_own = self.alignment is Alignment.OWN
        return Schedule(self.interval, began_on.day if is_own else bill_day, began_on)


MONTHLY_IN_ADVANCE = Terms()
OURS = Manner()
