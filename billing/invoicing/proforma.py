"""A proforma invoice: what would be billed, numbered in a series of its own, never booked. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.invoicing.model import Invoice, number
from billing.sellers.model import Seller
from billing.tax.model import TaxGroup
from terms.ids import AccountId
from terms.money import Money

SERIES = "PRO"
VALID_DAYS, VALID_DAYS_MAX = 14, 366


@dataclass(frozen=True, slots=True, kw_only=True)
class ProformaLine:
    """What a line of the invoice would say."""

    label: str
    period_start: date
    period_end: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Proforma:
    """One document. It says what would be billed by `billed_on`, and stands until `valid_until`.

    `seller` is whoever sells on the day it is issued.
    """

    id: str
    sequence: int
    account: AccountId
    issued_on: date
    issued_at: datetime
    billed_on: date
    valid_until: date
    lines: Sequence[ProformaLine]
    groups: Sequence[TaxGroup]
    net: Money
    tax: Money
    seller: Seller | None = None

    @property
    def number(self) -> str:
        """The number people see."""
        return number(SERIES, self.sequence)

    @property
    def total(self) -> Money:
        """What would be to pay."""
        return self.net + self.tax


def lines_of(invoice: Invoice) -> list[ProformaLine]:
    """Write down the lines of an invoice that would be."""
    return [
        ProformaLine(
            label=line.label,
            period_start=line.charge.period.start,
            period_end=line.charge.period.end,
            amount=line.charge.amount,
        )
        for line in invoice.lines
    ]


def encode_lines(lines: Sequence[ProformaLine]) -> str:
    """Write lines as text."""
    rows = [
        [one.label, str(one.period_start), str(one.period_end), one.amount.amount_minor]
        for one in lines
    ]
    return json.dumps(rows, separators=(",", ":"))


def decode_lines(text: str, currency: str) -> list[ProformaLine]:
    """Read what `encode_lines` wrote."""
    return [
        ProformaLine(
            label=label,
            period_start=date.fromisoformat(start),
            period_end=date.fromisoformat(end),
            amount=Money(minor, currency),
        )
        for label, start, end, minor in json.loads(text)
    ]
