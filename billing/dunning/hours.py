"""When something may be done: on which weekdays, at which hours, on no holiday. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from terms.calendar import days_after
from terms.errors import Invalid

DAY_HOURS = 24
HOLIDAYS_MAX = 400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = frozenset(range(len(WEEKDAYS)))


class Slot(NamedTuple):
    """An hour of a day, as the clocks show it where an account lives."""

    day: date
    hour: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From which hour on and until which, on which weekdays (Monday is 0). By default always.

    Raises Invalid where nothing could ever be done.
    """

    weekdays: Collection[int] = _EVERY_DAY
    from_hour: int = 0
    until_hour: int = DAY_HOURS
    holidays: Collection[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays or not _EVERY_DAY.issuperset(self.weekdays):
            raise Invalid("days", f"names one of {', '.join(WEEKDAYS)} at least")
        if not 0 <= self.from_hour < self.until_hour <= DAY_HOURS:
            raise Invalid("from_hour", f"must lie before until_hour, both in 0 to {DAY_HOURS}")
        if len(self.holidays) > HOLIDAYS_MAX:
            raise Invalid("holidays", f"more than {HOLIDAYS_MAX}")

    @property
    def is_always(self) -> bool:
        """Whether there is no hour at which it may not be done."""
        is_all_day = self.until_hour - self.from_hour == DAY_HOURS
        return is_all_day and not self.holidays and len(self.weekdays) == len(_EVERY_DAY)

    def first(self, slot: Slot) -> Slot:
        """Find the first hour at which it may be done, from one on."""
        if self._is_open(slot.day):
            if slot.hour < self.from_hour:
                return Slot(slot.day, self.from_hour)
            if slot.hour < self.until_hour:
                return slot
        day = days_after(slot.day, 1)
        while not self._is_open(day):  # ends: there are fewer holidays than days
            day = days_after(day, 1)
        return Slot(day, self.from_hour)

    def _is_open(self, day: date) -> bool:
        return day.weekday() in self.weekdays and day not in self.holidays


ALWAYS = Hours()
