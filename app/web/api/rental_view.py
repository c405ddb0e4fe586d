"""What a household rents, and what was given back to it, as the API shows both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.web.api.shapes import Amount
from billing.reads.account import RentalView
from billing.reads.credit_notes import CreditNoteView


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """A box that is paid for; `until_on` is the first day no longer charged, none while it runs.

    `deposit` is what is held of it. `ending` is returned, damaged or lost.
    """

    id: str
    serial: str
    model: str
    offering: str
    since: date
    until_on: date | None
    ending: str | None
    deposit: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """What is given back of a line of an invoice; `kept` is what is kept of a deposit."""

    label: str
    invoice: str
    period_start: date
    period_end: date
    amount: Amount
    kept: Amount
    tax: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """One credit note; it pays what is owed, the oldest first."""

    number: str
    issued_on: date
    net: Amount
    tax: Amount
    total: Amount
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
    )


def credit_note(one: CreditNoteView) -> CreditNote:
    """Show a credit note."""
    return CreditNote(
        number=one.number,
        issued_on=one.issued_on,
        net=Amount.of(one.net),
        tax=Amount.of(one.tax),
        total=Amount.of(one.total),
        lines=[
            CreditLine(
                label=line.label,
                invoice=line.invoice,
                period_start=line.period_start,
                period_end=line.period_end,
                amount=Amount.of(line.amount),
                kept=Amount.of(line.kept),
                tax=line.tax,
            )
            for line in one.lines
        ],
    )
