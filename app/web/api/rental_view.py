"""What a household rents, and what was given back to it, as the API shows both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.web.api.shapes import Amount
from billing.reads.credit_notes import CreditNoteView
from billing.reads.rentals import RentalView
from billing.tax.model import TaxGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """A box that is paid for; `until_on` is the first day no longer charged, none while it runs.

    `deposit` is what is held of it since a day; where it is `deposit_waiting`, a person has to
    decide about it. `ending` is returned, damaged or lost.
    """

    id: str
    serial: str
    model: str
    offering: str
    since: date
    until_on: date | None
    ending: str | None
    deposit: Amount
    deposit_since: date | None
    deposit_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSum:
    """One tax of an invoice or a credit note."""

    tax: str
    rate: str
    net: Amount
    amount: Amount

    @classmethod
    def of(cls, group: TaxGroup) -> TaxSum:
        """Show a group."""
        return cls(
            tax=group.name,
            rate=str(group.rate),
            net=Amount.of(group.net),
            amount=Amount.of(group.amount),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """What is given back of line `line` of an invoice; `kept` is what is kept of a deposit.

    That line had charged `charged` for `charged_days` of `of_days` at `rate`; of these days
    `used_days` stay paid, and `days` are given back: none of what is `goodwill`.
    """

    label: str
    invoice: str
    line: int
    period_start: date
    period_end: date
    days: int
    used_days: int
    charged_days: int
    of_days: int
    rate: Amount
    charged: Amount
    amount: Amount
    net: Amount
    tax_amount: Amount
    kept: Amount
    tax: str
    goodwill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """One credit note; it pays what is owed, the oldest first."""

    number: str
    issued_on: date
    net: Amount
    tax: Amount
    total: Amount
    taxes: Sequence[TaxSum]
    lines: Sequence[CreditLine]


def rented(one: RentalView) -> Rented:
    """Show a rental."""
    return Rented(
        id=one.id,
        serial=one.serial,
        model=one.model,
        offering=one.offering,
        since=one.from_on,
        until_on=one.until_on,
        ending=one.ending.value if one.ending else None,
        deposit=Amount.of(one.deposit),
        deposit_since=one.deposit_since,
        deposit_waiting=one.is_waiting,
    )


def credit_note(one: CreditNoteView) -> CreditNote:
    """Show a credit note."""
    return CreditNote(
        number=one.number,
        issued_on=one.issued_on,
        net=Amount.of(one.net),
        tax=Amount.of(one.tax),
        total=Amount.of(one.total),
        taxes=[TaxSum.of(group) for group in one.groups],
        lines=[
            CreditLine(
                label=line.label,
                invoice=line.invoice,
                line=line.line,
                period_start=line.period_start,
                period_end=line.period_end,
                days=line.days,
                used_days=line.used_days,
                charged_days=line.charged_days,
                of_days=line.of_days,
                rate=Amount.of(line.rate),
                charged=Amount.of(line.charged),
                amount=Amount.of(line.amount),
                net=Amount.of(line.net),
                tax_amount=Amount.of(line.tax_amount),
                kept=Amount.of(line.kept),
                tax=line.tax,
                goodwill=line.is_goodwill,
            )
            for line in one.lines
        ],
    )
