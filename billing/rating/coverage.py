"""Days that are wanted and days that are taken: what is left of periods. Pure, half-open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from terms.calendar import Period


def less(periods: Iterable[Period], taken: Iterable[Period]) -> Iterator[Period]:
    """Yield what is left of periods when others are taken out, in order of their days."""
    holes = sorted(taken)
    for period in sorted(periods):
        start = period.start
        for hole in holes:
            if hole.end <= start or hole.start >= period.end:
                continue
            if hole.start > start:
                yield Period(start, hole.start)
            start = hole.end
            if start >= period.end:
                break
        if start < period.end:
            yield Period(start, period.end)


def within(first: date, until: date | None, whole: Period) -> Period | None:
    """Return the part of a period in which something lasts, or None."""
    start = max(first, whole.start)
    end = whole.end if until is None else min(until, whole.end)
    return Period(start, end) if start < end else None
