"""/invoices, /credit-notes, /lines: documents by their numbers, and one line explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.web.api.account_view import Invoice, LineDiscount, invoice
from app.web.api.rental_view import CreditNote, TaxSum, credit_note
from app.web.api.shapes import Amount
from app.web.api.ways import look
from app.web.route import Call
from billing.reads import credit_notes, explaining, invoices
from billing.reads.explaining import Back, Explanation
from billing.reads.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSource:
    """Something that a line follows from; `until_on` is the first day without it."""

    kind: str
    id: str
    from_on: date
    until_on: date | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBack:
    """What a line of a credit note gave back of the line."""

    credit_note: str
    line: int
    period_start: date
    period_end: date
    amount: Amount
    kept: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """One line with all that it came about by: `units` of `of_units` of a period at `rate`.

    These come after the first `units_before`, and both ends are rounded as what was reached, so
    that the parts of a period sum to the whole. `rate` is for all of the `quantity`. `executed` is
    the amount computed again from this record. `tax_group` is what the document was taxed by
    together with this line, rounded half up once. A line of a credit note `gives_back` of another.
    """

    document: str
    line: int
    contract: str
    label: str
    kind: str
    subject: str
    offering: str
    price_from: date
    period_start: date
    period_end: date
    measure: str
    units_before: int
    units: int
    of_units: int
    quantity: int
    rate: Amount
    discounts: Sequence[LineDiscount]
    amount: Amount
    executed: Amount
    agrees: bool
    net: Amount
    tax_amount: Amount
    tax: str
    tax_group: TaxSum | None
    gives_back: str
    given_back: Sequence[LineBack]
    sources: Sequence[LineSource]


async def show_invoice(call: Call) -> Invoice:
    """Show an invoice by its number."""
    async with call.house.store.read() as tx:
        return invoice(await invoices.view(tx, call.part("number")))


async def show_note(call: Call) -> CreditNote:
    """Show a credit note by its number: what it gives back of which lines, and why as much."""
    async with call.house.store.read() as tx:
        return credit_note(await credit_notes.view(tx, call.part("number")))


async def show_line(call: Call) -> ExplainedLine:
    """Explain one line of a document, named like INV-00000012.3, and compute it again."""
    async with call.house.store.read() as tx:
        return explained(await explaining.line(tx, call.part("number")))


def explained(one: Explanation) -> ExplainedLine:
    """Show an explained line."""
    return ExplainedLine(
        document=one.document,
        line=one.line,
        contract=one.contract,
        label=one.label,
        kind=one.kind.value,
        subject=one.subject,
        offering=one.offering,
        price_from=one.price_from,
        period_start=one.period_start,
        period_end=one.period_end,
        measure=one.measure.value,
        units_before=one.units_before,
        units=one.units,
        of_units=one.of_units,
        quantity=one.quantity,
        rate=Amount.of(one.rate),
        discounts=[LineDiscount.of(off) for off in one.offs],
        amount=Amount.of(one.amount),
        executed=Amount.of(one.executed),
        agrees=one.agrees,
        net=Amount.of(one.net),
        tax_amount=Amount.of(one.tax_amount),
        tax=one.tax,
        tax_group=TaxSum.of(one.group) if one.group else None,
        gives_back=one.gives_back,
        given_back=[_back(each) for each in one.given_back],
        sources=[_source(each) for each in one.sources],
    )


def _back(one: Back) -> LineBack:
    return LineBack(
        credit_note=one.note,
        line=one.line,
        period_start=one.period_start,
        period_end=one.period_end,
        amount=Amount.of(one.amount),
        kept=Amount.of(one.kept),
    )


def _source(one: Source) -> LineSource:
    return LineSource(
        kind=one.kind, id=one.id, from_on=one.from_on, until_on=one.until_on, detail=one.detail
    )


ROUTES = (
    look("invoices/{number}", show_invoice, Invoice),
    look("credit-notes/{number}", show_note, CreditNote),
    look("lines/{number}", show_line, ExplainedLine),
)
