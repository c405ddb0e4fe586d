"""The gate: a bill day waits until a person lets it go, or goes by itself after some days. Pure.

It holds what falls due by the calendar alone: periods that follow on others, and those that are
charged when they are over. What somebody has just asked for is charged at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from terms.calendar import days_after

WINDOW_DAYS_MAX = 30


@dataclass(frozen=True, slots=True)
class Gate:
    """How many days a bill day waits for a person, none at all for 0; the newest that was let go.

    Whoever lets a day go has let go all before it.
    """

    window_days: int = 0
    released_on: date | None = None

    def through(self, today: date) -> date:
        """Tell the newest bill day that may be charged."""
        if not self.window_days:
            return today
        by_itself = days_after(today, -self.window_days)
        return min(today, max(by_itself, self.released_on or by_itself))

    def opens_on(self, day: date) -> date:
        """Tell on which day a bill day goes by itself."""
        return days_after(day, self.window_days)

    def waiting(self, today: date) -> Iterator[date]:
        """Yield the bill days that wait, the oldest first."""
        day = days_after(self.through(today), 1)
        while day <= today:
            yield day
            day = days_after(day, 1)


OPEN_GATE = Gate()


class DayState(StrEnum):
    """Where a bill day stands."""

    DRAFT = "draft"  # its invoices are what a preview shows
    RELEASED = "released"  # a person, or time, has let it go
    COMING = "coming"  # nothing of it is due yet


def state_of(day: date, gate: Gate, today: date) -> DayState:
    """Tell where a bill day stands."""
    if day <= gate.through(today) or (gate.released_on and day <= gate.released_on):
        return DayState.RELEASED
    return DayState.DRAFT if day <= today else DayState.COMING


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDay:
    """A bill day that somebody has looked at: what a preview told, who let it go, when and why."""

    day: date
    previewed_at: datetime | None = None
    told: str = ""
    released_at: datetime | None = None
    released_by: str = ""
    reason: str = ""
