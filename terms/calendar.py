"""Billing calendar: half-open periods of local dates, always counted from an anchor day.

The next date is never derived from a clamped one: anchor 31 gives 31 January, 28 February,
31 March. Instants are converted at the edge with the account's IANA zone.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Days from `start` (included) to `end` (excluded)."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"empty period {self.start}..{self.end}")

    @property
    def days(self) -> int:
        """Number of days covered."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def overlap(self, other: Period) -> Period | None:
        """The days in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


def anchored(year: int, month: int, anchor_day: int) -> date:
    """The anchor's date in a month, clamped to the month's last day. Month may overflow 1..12."""
    if not 1 <= anchor_day <= 31:
        raise ValueError("anchor day must be 1..31")
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(anchor_day, monthrange(year, month)[1]))


def period_containing(day: date, anchor_day: int, months: int = 1) -> Period:
    """The anchored period of `months` calendar months that contains a day.

    Longer intervals are aligned to the month of the day itself: use `period_from` where a
    subscription's own first date aligns them.
    """
    start = anchored(day.year, day.month, anchor_day)
    shift = 0 if start <= day else -1
    first = anchored(day.year, day.month + shift, anchor_day)
    return Period(first, anchored(first.year, first.month + months, anchor_day))


def period_after(period: Period, anchor_day: int, months: int = 1) -> Period:
    """The period that begins where an anchored one ends."""
    end = anchored(period.end.year, period.end.month + months, anchor_day)
    return Period(period.end, end)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"not an IANA time zone: {name!r}") from error


def local_date(instant: datetime, zone_name: str) -> date:
    """The calendar day of an aware instant in a zone."""
    return instant.astimezone(zone(zone_name)).date()


def start_of_day(day: date, zone_name: str) -> datetime:
    """The UTC instant at which a local day begins; a skipped midnight begins when it exists."""
    return datetime.combine(day, time(), tzinfo=zone(zone_name)).astimezone(UTC)


def days_after(day: date, count: int) -> date:
    """The day `count` days later."""
    return day + timedelta(days=count)
