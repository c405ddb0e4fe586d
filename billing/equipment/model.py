"""A rental: what a household pays for holding a device. Follows possession, knows no device.

Serial and model are labels for the invoice. The day of return is not charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from terms.ids import ResourceId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rental:
    """One device with one household, from hand-over up to, not including, its return."""

    id: str
    service: ServiceId
    resource: ResourceId
    serial: str
    model: str
    offering: str
    from_on: date
    until_on: date | None
    charged_from: date
    open_from: date
