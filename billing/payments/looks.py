"""When to look again at a charge whose outcome is not known. Pure.

It is never charged again meanwhile. When the last look has decided nothing, a person does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_MINUTES_5, _HOUR, _DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Looks:
    """How long after each look that decided nothing the next one follows."""

    waits: tuple[timedelta, ...]

    def wait_after(self, looks: int) -> timedelta | None:
        """Tell how long to wait after so many looks; None when there was the last."""
        return self.waits[looks] if looks < len(self.waits) else None


def until_due(due_on: date | None, machine_now: datetime) -> timedelta | None:
    """Tell how long to wait for a day that a provider has named; None once it is over everywhere.

    A look before it would decide nothing, so it is none of those that are counted.
    """
    if due_on is None:
        return None
    over_at = datetime.combine(due_on, time(), UTC) + _DAY
    return over_at - machine_now if machine_now < over_at else None


# The answer was lost.
UNKNOWN_LOOKS = Looks((_MINUTES_5, _HOUR, *(_DAY,) * 5))
# The provider says that it has not decided yet: for two days, or for a week.
PENDING_LOOKS_SHORT = Looks((_HOUR, _DAY))
PENDING_LOOKS = Looks((*PENDING_LOOKS_SHORT.waits, *(_DAY,) * 5))
