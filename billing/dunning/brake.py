"""The brake: no run of dunning takes rungs for more than a share of the base unasked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from billing.dunning.model import Action
from terms.errors import Invalid
from terms.ids import AccountId, InvoiceId

WINDOW = timedelta(hours=24)
SHARE_PERCENT = 10
FLOOR = 100
FLOOR_MAX = 1_000_000
WHOLE_PERCENT = 100
# What takes something away from a household.
BRAKED = frozenset({Action.LIMIT, Action.SUSPEND, Action.TERMINATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakePolicy:
    """How much of the base may climb within a day: a share, or so many where that is more.

    Raises Invalid for one that makes no sense.
    """

    share_percent: int = SHARE_PERCENT
    floor: int = FLOOR

    def __post_init__(self) -> None:
        if not 1 <= self.share_percent <= WHOLE_PERCENT:
            raise Invalid("dunning.brake.share_percent", f"must be 1 to {WHOLE_PERCENT}")
        if not 0 <= self.floor <= FLOOR_MAX:
            raise Invalid("dunning.brake.floor", f"must be 0 to {FLOOR_MAX}")

    def limit(self, base: int) -> int:
        """Tell how many of a base may climb."""
        return max(self.floor, base * self.share_percent // WHOLE_PERCENT)


class Rung(NamedTuple):
    """What an account is about to take: for which invoice, and which rung."""

    invoice: InvoiceId
    rung: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """How the brake stands: how many have climbed since a time, and since when nobody does."""

    policy: BrakePolicy
    turn: int
    since: datetime
    base: int
    counted: int
    stopped_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether counting begins anew: a day has passed, or clocks were set back."""
        return not self.since <= now < self.since + WINDOW

    def asked(
        self,
        climbing: Mapping[AccountId, Rung],
        released: Collection[AccountId],
        now: datetime,
    ) -> tuple[Brake, frozenset[AccountId]]:
        """Judge who is about to climb: all that were not released go, or none of them.

        Returns the brake as it is after that, and who has to wait.
        """
        fresh = frozenset(climbing) - frozenset(released)
        if not fresh:
            return self, fresh
        if self.stopped_at:
            return self, fresh
        if self.counted + len(fresh) > self.policy.limit(self.base):
            return replace(self, stopped_at=now), fresh
        return replace(self, counted=self.counted + len(fresh)), frozenset()
