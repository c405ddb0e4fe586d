"""When to look again at a charge whose outcome is not known. Pure.

It is never charged again meanwhile. When the last look has decided nothing, a person does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_MINUTES_5, _HOUR, _DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Looks:
    """How long after each look that decided nothing the next one follows."""

    waits: tuple[timedelta, ...]

    def wait_after(self, looks: int) -> timedelta | None:
        """Tell how long to wait after so many looks; None when there was the last."""
        return self.waits[looks] if looks < len(self.waits) else None


# The answer was lost.
UNKNOWN_LOOKS = Looks((_MINUTES_5, _HOUR, *(_DAY,) * 5))
# The provider says that it has not decided yet: for two days, or for a week.
PENDING_LOOKS_SHORT = Looks((_HOUR, _DAY))
PENDING_LOOKS = Looks((*PENDING_LOOKS_SHORT.waits, *(_DAY,) * 5))
