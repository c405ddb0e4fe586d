"""Whether a result is what a vector expects, however the vector writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from terms.calendar import Period
from terms.money import Money
from tests.vectors.reading import day, duration, instant, number, period, text

# A datetime is a date as well, so it is asked for first.
_READINGS: Mapping[type, Callable[[Any], Any]] = {
    datetime: instant,
    date: day,
    timedelta: duration,
    Period: period,
    Fraction: number,
    int: number,
    str: text,
}


def agrees(found: Any, expected: Any) -> bool:
    """Compare a result with what is expected. Raises ValueError where that cannot be read."""
    if isinstance(found, Mapping):
        return set(found) == set(expected) and all(agrees(found[k], expected[k]) for k in found)
    if isinstance(found, (list, tuple)):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if isinstance(found, Money):
        return number(str(found).partition(" ")[0]) == number(expected)
    read = next(read for kind, read in _READINGS.items() if isinstance(found, kind))
    return bool(read(expected) == found)


def shown(found: Any) -> str:
    """Write a result for people."""
    if isinstance(found, Mapping):
        inner = ", ".join(f"{name}: {shown(each)}" for name, each in found.items())
        return f"{{{inner}}}"
    if isinstance(found, (list, tuple)):
        return f"[{', '.join(map(shown, found))}]"
    if isinstance(found, Period):
        return f"{found.start}..{found.end}"
    return str(found)
