"""When to try to collect again, given as days between tries, and what follows the last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import accumulate

from billing.dunning.model import AFTER_DAYS_MAX, Action, Step
from terms.calendar import days_after
from terms.errors import Invalid


class End(StrEnum):
    """What follows when the last try has failed."""

    KEEP = "keep"  # nothing by itself: the ladder decides
    SUSPEND = "suspend"
    REVOKE = "revoke"  # the subscription ends


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """Days from each failed try to the next. Raises Invalid for ones that make no sense."""

    intervals_days: tuple[int, ...]
    end: End = End.KEEP

    def __post_init__(self) -> None:
        if any(days < 1 for days in self.intervals_days):
            raise Invalid("dunning.retries", "a day at least lies between two tries")
        if sum(self.intervals_days) > AFTER_DAYS_MAX:
            raise Invalid("dunning.retries", f"at most {AFTER_DAYS_MAX} days in all")

    @property
    def after_days(self) -> list[int]:
        """Days from the first failure to each try."""
        return list(accumulate(self.intervals_days))

    @property
    def steps(self) -> list[Step]:
        """The tries as steps of a ladder."""
        return [Step(after_days=days, action=Action.RETRY) for days in self.after_days]

    def dates(self, first_failure: date) -> list[date]:
        """List the days of the tries."""
        return [days_after(first_failure, days) for days in self.after_days]

    def after(self, failed: int) -> int | End:
        """Tell the days from the n-th failed try, counted from 1, to the next one, or the end."""
        return self.intervals_days[failed - 1] if failed <= len(self.intervals_days) else self.end
