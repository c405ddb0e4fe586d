"""How long what is bought once may be watched: so long from its begin on, or between two instants.

Hours and days are as long as hours and days of 24 of them are, whatever clocks do meanwhile. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOURS_MAX = 366 * 24
_LASTS = re.compile(r"([1-9][0-9]{0,3})([hd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Either `hours` from the begin on, or from `opens_at` up to, not including, `closes_at`."""

    hours: int = 0
    opens_at: datetime | None = None
    closes_at: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `48h`, `7d` or `2026-06-01T20:00Z/2026-06-01T23:30Z`. Raises ValueError."""
        lasts = _LASTS.fullmatch(text)
        if lasts:
            hours = int(lasts[1]) * (24 if lasts[2] == "d" else 1)
            if hours > HOURS_MAX:
                raise ValueError(f"is longer than {HOURS_MAX} hours")
            return cls(hours=hours)
        opens, slash, closes = text.partition("/")
        if not slash:
            raise ValueError("is no window like 48h, 7d or 2026-06-01T20:00Z/2026-06-01T23:30Z")
        opens_at, closes_at = _instant(opens), _instant(closes)
        if opens_at >= closes_at:
            raise ValueError("closes before it opens")
        return cls(opens_at=opens_at, closes_at=closes_at)

    def span(self, begun_at: datetime) -> tuple[datetime, datetime]:
        """Tell from when to when it is open for somebody who begins at an instant."""
        if self.opens_at and self.closes_at:
            return self.opens_at, self.closes_at
        return begun_at, begun_at + timedelta(hours=self.hours)

    def is_over(self, now: datetime) -> bool:
        """Whether nobody can begin any more."""
        return self.closes_at is not None and self.closes_at <= now

    def __str__(self) -> str:
        if self.opens_at and self.closes_at:
            return f"{_text(self.opens_at)}/{_text(self.closes_at)}"
        days, rest = divmod(self.hours, 24)
        return f"{self.hours}h" if rest else f"{days}d"


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no instant like 2026-06-01T20:00Z") from None
    if found.tzinfo is None:
        raise ValueError(f"{text[:40]!r} needs a zone, like 2026-06-01T20:00Z")
    return found.astimezone(UTC)


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
