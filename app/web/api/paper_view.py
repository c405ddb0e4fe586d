"""Invoices and credit notes as the API shows them, with the tax and the discounts on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.web.api.shapes import Amount
from billing.reads.credit_notes import CreditNoteView
from billing.reads.invoices import InvoiceView
from billing.reads.offs import OffView
from billing.sellers import model
from billing.tax.model import TaxGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who sold, by law, on the day of a document; `register` is where it is entered, as what."""

    name: str
    address: Sequence[str]
    tax_number: str
    register: str

    @classmethod
    def of(cls, one: model.Seller | None) -> Seller | None:
        """Show a seller, where one was told."""
        if one is None:
            return None
        return cls(
            name=one.name,
            address=one.address,
            tax_number=one.tax_number,
            register=one.register,
        )


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
class LineDiscount:
    """What a promotion takes off a line: `off` its rate, and so `amount` off what it charges."""

    promotion: str
    name: str
    off: Amount
    amount: Amount

    @classmethod
    def of(cls, one: OffView) -> LineDiscount:
        """Show a discount."""
        return cls(
            promotion=one.promotion,
            name=one.name,
            off=Amount.of(one.off),
            amount=Amount.of(one.amount),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A line of an invoice: (rate - discounts) x days / of_days = amount: net, or with its tax."""

    label: str
    period_start: date
    period_end: date
    days: int
    of_days: int
    rate: Amount
    discounts: Sequence[LineDiscount]
    amount: Amount
    net: Amount
    tax_amount: Amount
    includes_tax: bool
    tax: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice; `open` is what is left to pay.

    `state` is finalised, partly_paid, paid, void or uncollectible. Where an invoice is asked for by
    its number, a void one names the credit notes that give it back and the invoice that charges its
    days again, and that one names what it corrects.
    """

    number: str
    seller: Seller | None
    issued_on: date
    due_on: date
    net: Amount
    tax: Amount
    total: Amount
    open: Amount
    state: str
    void_reason: str
    credit_notes: Sequence[str]
    replaced_by: Sequence[str]
    corrects: Sequence[str]
    taxes: Sequence[TaxSum]
    lines: Sequence[InvoiceLine]


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
    seller: Seller | None
    issued_on: date
    net: Amount
    tax: Amount
    total: Amount
    taxes: Sequence[TaxSum]
    lines: Sequence[CreditLine]


def invoice(one: InvoiceView) -> Invoice:
    """Show an invoice."""
    return Invoice(
        number=one.number,
        seller=Seller.of(one.seller),
        issued_on=one.issued_on,
        due_on=one.due_on,
        net=Amount.of(one.net),
        tax=Amount.of(one.tax),
        total=Amount.of(one.total),
        open=Amount.of(one.open),
        state=one.state.value,
        void_reason=one.voided.reason if one.voided else "",
        credit_notes=one.voided.notes if one.voided else (),
        replaced_by=one.voided.replaced_by if one.voided else (),
        corrects=one.corrects,
        taxes=[TaxSum.of(group) for group in one.groups],
        lines=[
            InvoiceLine(
                label=line.label,
                period_start=line.period_start,
                period_end=line.period_end,
                days=line.days,
                of_days=line.of_days,
                rate=Amount.of(line.rate),
                discounts=[LineDiscount.of(off) for off in line.offs],
                amount=Amount.of(line.amount),
                net=Amount.of(line.net),
                tax_amount=Amount.of(line.tax_amount),
                includes_tax=line.includes_tax,
                tax=line.tax,
            )
            for line in one.lines
        ],
    )


def credit_note(one: CreditNoteView) -> CreditNote:
    """Show a credit note."""
    return CreditNote(
        number=one.number,
        seller=Seller.of(one.seller),
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
