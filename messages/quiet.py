"""Quiet hours: when people are left alone, by the clocks where they live. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from terms.errors import Invalid

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """From one time of the day until another one, which may be the next morning's."""

    since: time
    until: time

    @classmethod
    def parse(cls, name: str, text: str) -> Quiet:
        """Read `21:00-08:00`. Raises Invalid, naming the field."""
        found = _HOURS.fullmatch(text)
        if found is None:
            raise Invalid(name, f"must be like 21:00-08:00, and not {text[:20]!r}")
        hours = cls(
            since=time(int(found[1]), int(found[2])), until=time(int(found[3]), int(found[4]))
        )
        if hours.since == hours.until:
            raise Invalid(name, "begins when it ends: leave it empty for none")
        return hours

    def __str__(self) -> str:
        return f"{self.since:%H:%M}-{self.until:%H:%M}"

    def has(self, at: datetime, zone: ZoneInfo) -> bool:
        """Tell whether it is quiet at an instant."""
        now = at.astimezone(zone).time().replace(fold=0)
        if self.since < self.until:
            return self.since <= now < self.until
        return now >= self.since or now < self.until

    def free_from(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Tell the first instant from one on at which it is not quiet.

        Where the clocks are put back its end may come twice: the first time ends it, unless the
        hour that comes again is quiet as well.
        """
        if not self.has(at, zone):
            return at
        local = at.astimezone(zone)
        is_today = local.time().replace(fold=0) < self.until
        day = local.date() if is_today else local.date() + timedelta(days=1)
        for fold in (0, 1):
            end = datetime.combine(day, self.until, zone).replace(fold=fold).astimezone(UTC)
            if end > at and not self.has(end, zone):
                return end
        return at + timedelta(days=1)  # cannot be: the end of quiet hours is not quiet
