"""How far an account has come by the age of its oldest debt. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from terms.calendar import days_after
from terms.errors import Invalid


@dataclass(frozen=True, slots=True)
class Stages:
    """States of an account by the age of its oldest debt, each from so many days on.

    Raises Invalid for ages that do not rise.
    """

    from_days: tuple[int, ...]

    def __post_init__(self) -> None:
        if list(self.from_days) != sorted(set(self.from_days)):
            raise Invalid("dunning.stages", "ages must rise from stage to stage")

    def entered_on(self, oldest_due_on: date) -> list[date]:
        """List the days on which the stages are entered while the debt is open."""
        return [days_after(oldest_due_on, days) for days in self.from_days]

    def on(self, oldest_due_on: date | None, today: date) -> int:
        """Tell the stage on a day: 0 before the first, and where nothing is owed."""
        if oldest_due_on is None:
            return 0
        return sum(day <= today for day in self.entered_on(oldest_due_on))


def open_stage(stages: Stages, due_dates: Sequence[date], today: date) -> int:
    """Tell the stage of an account by its open debts."""
    return stages.on(min(due_dates, default=None), today)
