"""A subscription: one offering of one service, from a day to a day.

A changed plan is the end of one row and the start of another; a row's past never changes. Money
may begin later than rights: before `charged_from` somebody has paid already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from terms.calendar import Period
from terms.ids import ServiceId, SubscriptionId

QUANTITY_MAX = 1_000


class Activation(StrEnum):
    """When a subscription goes live."""

    PAID = "paid"  # once its first invoice is paid
    OPEN = "open"  # at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An offering from `from_on` up to, not including, `until_on`.

    The days before `charged_until` are on invoices already.
    """

    id: SubscriptionId
    service: ServiceId
    offering: str
    from_on: date
    until_on: date | None
    charged_from: date
    activation: Activation
    charged_until: date
    quantity: int = 1

    def is_current(self, day: date) -> bool:
        """Whether the offering is had on a day."""
        return self.from_on <= day and not self.is_over(day)

    def is_over(self, day: date) -> bool:
        """Whether it has ended before a day begins."""
        return self.until_on is not None and self.until_on <= day


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Days on which a service rests, up to `until_on` or until somebody ends it.

    One that ends on the day it begins never was.
    """

    id: str
    service: ServiceId
    from_on: date
    until_on: date | None

    @property
    def days(self) -> Period | None:
        """The days of rest; None where there are none."""
        end = self.until_on or date.max
        return Period(self.from_on, end) if self.from_on < end else None

    def is_on(self, day: date) -> bool:
        """Whether the service rests on a day."""
        return self.days is not None and day in self.days

    def ends_after(self, day: date) -> bool:
        """Whether a day of rest is left on or after a day."""
        return self.days is not None and self.days.end > day

    def meets(self, other: Pause) -> bool:
        """Whether a day belongs to both."""
        return bool(self.days and other.days and self.days.overlap(other.days))
