"""Charges and lines: what a part of a period costs, and who is charged for it.

A charge says what an offering costs in certain days, whoever has it, with everything that explains
it; a line says that somebody is charged so. A line is known by its subject, its kind, the day it
ends and how often something up to that day was charged before, however often it is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.catalog.model import Price
from billing.catalog.terms import Measure
from billing.rating.measure import Share
from billing.tax.levels import Inclusive
from terms.calendar import Period, days_after
from terms.ids import ServiceId
from terms.money import Money


class LineKind(StrEnum):
    """What a line charges for."""

    RECURRING = "recurring"
    RENTAL = "rental"
    DEPOSIT = "deposit"  # held while a rental runs, never ours
    LOST_FEE = "lost_fee"  # for a device that is lost
    PURCHASE = "purchase"  # something bought once
    USAGE = "usage"  # what was used in a period
    MINIMUM = "minimum"  # what was missing of a minimum when its period was over
    LATE_FEE = "late_fee"  # for an invoice that was not paid in time
    DISPUTE_FEE = "dispute_fee"  # for a payment that was taken back through a bank
    REACTIVATION = "reactivation"  # for switching a suspended account on again


BY_THE_PERIOD = frozenset({LineKind.RECURRING, LineKind.RENTAL})
# They stand on invoices of their own, which are paid after all others.
FEES = frozenset({LineKind.LATE_FEE, LineKind.DISPUTE_FEE, LineKind.REACTIVATION})
LineKey = tuple[str, LineKind, date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What `quantity` of an offering costs in a part of a period.

    `rate` is for the whole period and for all of the quantity, and discounts take `off_minor` off
    it: `share` of what is left is `amount`. Both include their tax where the price does.
    """

    kind: LineKind
    offering: str
    price_from: date
    period: Period
    measure: Measure
    share: Share
    quantity: int
    rate: Money
    amount: Money
    tax: str
    included: Inclusive | None = None
    off_minor: int = 0
    # Charges are shared by all who ask the same, and asked about again and again.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = (self.offering, self.period, self.share, self.quantity, self.rate, self.off_minor)
        object.__setattr__(self, "_hash", hash(known))

    def __hash__(self) -> int:
        return self._hash


class Off(NamedTuple):
    """What a redemption takes off a line: off the rate of the whole period, which ends before
    `ends_on`, and so off what the line would charge.
    """

    redemption: str
    name: str
    ends_on: date
    off_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One charge of one subject; `take` counts the lines up to the same day before it."""

    service: ServiceId
    subject: str
    label: str
    charge: Charge
    take: int = 0
    offs: tuple[Off, ...] = ()

    @property
    def key(self) -> LineKey:
        """What makes this line the same line in every run."""
        return self.subject, self.charge.kind, self.charge.period.end, self.take


def once(kind: LineKind, on: date, sold: Price, amount: Money, tax: str) -> Charge:
    """Charge something once, on a day."""
    return once_for(kind, Period(on, days_after(on, 1)), sold, amount, tax)


def once_for(kind: LineKind, period: Period, sold: Price, amount: Money, tax: str) -> Charge:
    """Charge something once, for a period."""
    return Charge(
        kind=kind,
        offering=sold.offering,
        price_from=sold.effective_from,
        period=period,
        measure=Measure.WHOLE,
        share=Share(0, 1, 1),
        quantity=1,
        rate=amount,
        amount=amount,
        tax=tax,
        included=sold.included if tax else None,
    )
