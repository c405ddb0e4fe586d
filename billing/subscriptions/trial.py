"""A trial: free days before the first that is charged. Pure.

It is over at an instant; the local day of that instant is the first that is charged. A change of
plan meanwhile keeps its start and takes the days of the new plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from billing.catalog.terms import TRIAL_DAYS_MAX, TrialClock
from terms.calendar import days_after, local_date, wall_clock, zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """So many days from an aware instant on. Raises ValueError for a number that makes no sense."""

    started_at: datetime
    days: int
    clock: TrialClock = TrialClock.LOCAL

    def __post_init__(self) -> None:
        if not 0 <= self.days <= TRIAL_DAYS_MAX:
            raise ValueError(f"a trial has 0 to {TRIAL_DAYS_MAX} days")

    def ends_at(self, zone_name: str) -> datetime:
        """Return the instant at which it is over, where somebody lives."""
        if self.clock is TrialClock.HOURS:
            return self.started_at + timedelta(days=self.days)
        local = self.started_at.astimezone(zone(zone_name))
        return wall_clock(days_after(local.date(), self.days), local.time(), zone_name)

    def charged_from(self, zone_name: str) -> date:
        """Return the first local day that is charged."""
        return local_date(self.ends_at(zone_name), zone_name)

    def under(self, days: int) -> Trial:
        """Return it under another plan with so many days, from the same start."""
        return replace(self, days=days)
