"""Days on which banks settle euros: the calendar of TARGET. Pure.

Source: the TARGET calendar of the European Central Bank: no weekends, not on 1 January, Good
Friday, Easter Monday, 1 May, 25 and 26 December.
"""

from __future__ import annotations

from datetime import date
from functools import cache

from terms.calendar import days_after

_SATURDAY = 5


@cache
def easter(year: int) -> date:
    """Tell Easter Sunday of the Gregorian calendar, by the anonymous method of 1876."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), f = divmod(b, 4), (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def is_open(day: date) -> bool:
    """Whether banks settle on a day."""
    if day.weekday() >= _SATURDAY or (day.month, day.day) in {(1, 1), (5, 1), (12, 25), (12, 26)}:
        return False
    sunday = easter(day.year)
    return day not in {days_after(sunday, -2), days_after(sunday, 1)}


def first_open(day: date) -> date:
    """Return a day, or the next one on which banks settle."""
    while not is_open(day):
        day = days_after(day, 1)
    return day


def open_after(day: date, count: int) -> date:
    """Return the day so many business days behind another."""
    day = first_open(day)
    for _ in range(count):
        day = first_open(days_after(day, 1))
    return day
