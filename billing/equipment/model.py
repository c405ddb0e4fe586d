"""A rental: what a household pays for holding a device. Follows possession, knows no device.

Serial and model are labels for the invoice. The day of return is not charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from terms.ids import ResourceId, ServiceId


class Starts(StrEnum):
    """When an operator's rentals begin."""

    HAND_OVER = "hand_over"  # with the device in the household's hands
    ACTIVATION = "activation"  # with the device's first proof of life there


class Ending(StrEnum):
    """How a rental has ended, as far as anything follows from it."""

    RETURNED = "returned"  # the device is back, and well
    DAMAGED = "damaged"  # it is back, and a person decides about the deposit
    LOST = "lost"  # nobody knows where it is


# After these a person decides about the deposit.
ENDING_FOR_A_PERSON = frozenset({Ending.DAMAGED, Ending.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rental:
    """One device after the other with one household, from hand-over up to the return.

    The first day is charged, the day of return is not; the days before `charged_until` are on
    invoices already. A device that is swapped passes the rental on. `kept_minor` is what a person
    decided to keep of the deposit; None where nobody has.
    """

    id: str
    service: ServiceId
    resource: ResourceId
    serial: str
    model: str
    offering: str
    from_on: date
    until_on: date | None
    charged_from: date
    ending: Ending | None = None
    kept_minor: int | None = None
    charged_until: date | None = None

    @property
    def is_running(self) -> bool:
        """Whether the household holds the device, as far as we know."""
        return self.until_on is None

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether another system has charged its beginning, so that it has the deposit too."""
        return self.charged_from > self.from_on


def kept_of_deposit(one: Rental, held_minor: int) -> int | None:
    """Tell how much of a deposit stays with us for good; None while all of it is held."""
    if one.kept_minor is not None:
        return min(one.kept_minor, held_minor)
    return 0 if one.ending is Ending.RETURNED else None
