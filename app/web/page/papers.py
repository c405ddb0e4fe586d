"""Documents of an account as its holder and staff read them: invoices, credit notes, statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.web.page.words import Tone, figure, money, shown, span
from billing.payments.standing import InvoiceState
from billing.rating.model import LineKind
from billing.reads.credit_notes import CreditLineView, CreditNoteView
from billing.reads.invoices import InvoiceView, LineView
from billing.reads.statements import Statement
from billing.sellers.model import Seller
from billing.tax.model import TaxGroup

_ENDED = {InvoiceState.VOID: "void", InvoiceState.UNCOLLECTIBLE: "written off"}
_KINDS = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "payment": "Payment",
    "reversal": "Given back or taken back",
    "write_off": "Written off",
    "recovered": "Paid of what was written off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line of an invoice, with all that explains its price; `name` is what it is asked for."""

    name: str
    text: str
    period: str
    fraction: str
    rate: str
    net: str
    tax: str
    offs: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCard:
    """One invoice."""

    number: str
    seller: Seller | None
    issued_on: str
    due_on: str
    total: str
    open: str
    tone: Tone
    state: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """One line of a credit note, with the line of an invoice that it gives back of."""

    text: str
    period: str
    fraction: str
    why: str
    net: str
    tax: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCard:
    """One credit note."""

    number: str
    seller: Seller | None
    issued_on: str
    total: str
    lines: tuple[CreditLine, ...]
    taxes: tuple[tuple[str, str], ...]


def invoice(one: InvoiceView, today: date) -> InvoiceCard:
    """Show an invoice, with what explains it."""
    tone, state = paid(one, today)
    return InvoiceCard(
        number=one.number,
        seller=one.seller,
        issued_on=shown(one.issued_on),
        due_on=shown(one.due_on),
        total=money(one.total),
        open=money(one.open) if one.open.amount_minor else "",
        tone=tone,
        state=state,
        lines=tuple(_charged(f"{one.number}.{n}", line) for n, line in enumerate(one.lines, 1)),
        taxes=_taxes(one.groups),
    )


def paid(one: InvoiceView, today: date) -> tuple[Tone, str]:
    """Tell how an invoice stands."""
    if one.state in _ENDED:
        return "off", _ENDED[one.state]
    if not one.open.amount_minor:
        return "good", "paid"
    if one.due_on < today:
        return "bad", "overdue"
    return "warn", "partly paid" if one.state is InvoiceState.PARTLY_PAID else "open"


def _charged(name: str, line: LineView) -> InvoiceLine:
    last = line.period_end - timedelta(days=1)
    return InvoiceLine(
        name=name,
        text=line.label,
        period=span(line.period_start, last),
        fraction=f"{line.days}/{line.of_days}",
        rate=figure(line.rate) + (" incl. tax" if line.includes_tax else ""),
        net=figure(line.net),
        tax=line.tax,
        offs=tuple(f"{off.name}: {figure(-off.off)}" for off in line.offs),
    )


def credit_note(one: CreditNoteView) -> CreditCard:
    """Show a credit note, with what each line gives back."""
    return CreditCard(
        number=one.number,
        seller=one.seller,
        issued_on=shown(one.issued_on),
        total=money(one.total),
        lines=tuple(_given_back(line) for line in one.lines),
        taxes=_taxes(one.groups),
    )


def _given_back(line: CreditLineView) -> CreditLine:
    last = line.period_end - timedelta(days=1)
    if line.is_goodwill:
        fraction, why = "goodwill", f"{figure(line.charged)} charged"
    elif line.kind is LineKind.RENTAL:
        fraction = f"{line.days}/{line.of_days}"
        stays = figure(line.charged - line.amount)
        why = f"{figure(line.charged)} charged, {stays} stays for {line.used_days}/{line.of_days}"
    else:
        fraction = "once"
        kept = f", {figure(line.kept)} kept" if line.kept.amount_minor else ""
        why = f"{figure(line.charged)} charged{kept}"
    return CreditLine(
        text=line.label,
        period=span(line.period_start, last),
        fraction=fraction,
        why=f"line {line.line} of {line.invoice}: {why}",
        net=figure(line.net),
        tax=line.tax,
    )


def stated(one: Statement) -> Mapping[str, Any]:
    """Write a statement for people."""
    return {
        "contract": one.contract,
        "name": one.name,
        "from_on": one.from_on,
        "to_on": one.to_on,
        "days": f"{shown(one.from_on)} to {shown(one.to_on)}",
        "opening": money(one.opening),
        "closing": money(one.closing),
        "seller": one.seller,
        "lines": [
            {
                "on": shown(each.on),
                "what": _KINDS.get(each.kind, each.kind.replace("_", " ").capitalize()),
                "document": each.document,
                "amount": figure(each.amount),
                "balance": figure(each.balance),
            }
            for each in one.lines
        ],
    }


def _taxes(groups: Sequence[TaxGroup]) -> tuple[tuple[str, str], ...]:
    """Write the taxes of a document, each with its amount."""
    return tuple((f"Tax {one.rate} of {figure(one.net)}", figure(one.amount)) for one in groups)
