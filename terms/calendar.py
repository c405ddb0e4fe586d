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

from terms.errors import Invalid

ANCHOR_DAY_MAX = 31
# Whoever names a day means one of these; others can be counted from each of them.
YEARS = range(1990, 2200)


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

    @property
    def last_day(self) -> date:
        """The last day covered, for those who count it in."""
        return self.end - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def overlap(self, other: Period) -> Period | None:
        """Return the days in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


@lru_cache(maxsize=16_384)
def anchored(year: int, month: int, anchor_day: int) -> date:
    """Find the anchor's date in a month, clamped to its last day; the month may overflow 1..12."""
    if not 1 <= anchor_day <= ANCHOR_DAY_MAX:
        raise ValueError(f"anchor day must be 1..{ANCHOR_DAY_MAX}")
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(anchor_day, monthrange(year, month)[1]))


@lru_cache(maxsize=16_384)
def period_containing(day: date, anchor_day: int, months: int = 1) -> Period:
    """Find the anchored period of `months` calendar months that contains a day.

    Longer intervals are aligned to the month of the day itself: use `period_from` where a
    subscription's own first date aligns them.
    """
    start = anchored(day.year, day.month, anchor_day)
    shift = 0 if start <= day else -1
    first = anchored(day.year, day.month + shift, anchor_day)
    return Period(first, anchored(first.year, first.month + months, anchor_day))


@lru_cache(maxsize=16_384)
def period_after(period: Period, anchor_day: int, months: int = 1) -> Period:
    """Return the period that begins where an anchored one ends."""
    end = anchored(period.end.year, period.end.month + months, anchor_day)
    return Period(period.end, end)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Look up the IANA zone of that name. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"not an IANA time zone: {name!r}") from error


@lru_cache(maxsize=16_384)
def local_date(instant: datetime, zone_name: str) -> date:
    """Return the calendar day of an aware instant in a zone."""
    return instant.astimezone(zone(zone_name)).date()


def local_hour(instant: datetime, zone_name: str) -> int:
    """Return the hour that clocks show in a zone at an aware instant."""
    return instant.astimezone(zone(zone_name)).hour


@lru_cache(maxsize=16_384)
def start_of_day(day: date, zone_name: str) -> datetime:
    """Return the UTC instant at which a local day begins, also where midnight is skipped."""
    return datetime.combine(day, time(), tzinfo=zone(zone_name)).astimezone(UTC)


def wall_clock(day: date, at: time, zone_name: str) -> datetime:
    """Return the UTC instant at which local clocks show a time.

    One that is skipped counts as long after midnight as it says; of one that comes twice it is the
    first.
    """
    return datetime.combine(day, at, tzinfo=zone(zone_name)).astimezone(UTC)


def in_reach(field: str, day: date) -> date:
    """Return a day that somebody has named. Raises Invalid for one that nobody can mean."""
    if day.year not in YEARS:
        raise Invalid(field, f"{day} is out of reach ({YEARS[0]} to {YEARS[-1]})")
    return day


def days_after(day: date, count: int) -> date:
    """Return the day `count` days later."""
    return day + timedelta(days=count)
