"""What one decision about an account is made by, besides its facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.catalog.model import PriceBook
from billing.dunning.segment import Segment
from billing.payments.wallet import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The prices and rules that hold for it. `machine_now` dates notices alone; who `is_braked`
    takes no further rung of the ladder. `need` is what a renewal that is near needs.
    """

    book: PriceBook
    segment: Segment
    machine_now: datetime
    is_braked: bool = False
    need: Need | None = None
