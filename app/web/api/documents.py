"""/invoices, /credit-notes, /lines: documents by their numbers, and one line explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import documents
from app.desk import goodwill as forgiving
from app.web.api.paper_view import (
    CreditNote,
    Invoice,
    LineDiscount,
    Seller,
    TaxSum,
    credit_note,
    invoice,
)
from app.web.api.shapes import Amount, AmountText, Day, OptionalText, PercentText, Text
from app.web.api.ways import change, look
from app.web.route import Body, Call, Query
from billing.flows.goodwill import REFERENCE_CHARS_MAX
from billing.reads import credit_notes, explaining, invoices
from billing.reads.explaining import Back, Explanation, Word
from billing.reads.sources import Source
from runtime.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSource:
    """Something that a line follows from; `until_on` is the first day without it."""

    kind: str
    id: str
    from_on: date
    until_on: date | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodwillWord:
    """Whose word something is that was given back for no days, when, why; of a share, which."""

    by: str
    at: datetime
    reason: str
    percent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBack:
    """What a line of a credit note gave back of the line; goodwill was for no days of it."""

    credit_note: str
    line: int
    period_start: date
    period_end: date
    amount: Amount
    kept: Amount
    goodwill: GoodwillWord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """One line with all that it came about by: `units` of `of_units` of a period at `rate`.

    These come after the first `units_before`, and both ends are rounded as what was reached, so
    that the parts of a period sum to the whole. `rate` is for all of the `quantity`. `executed` is
    the amount computed again from this record. `tax_group` is what the document was taxed by
    together with this line, rounded half up once. A line of a credit note `gives_back` of another,
    perhaps as `goodwill`. Of a charge `left` was not given back.
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
    goodwill: GoodwillWord | None
    given_back: Sequence[LineBack]
    left: Amount
    sources: Sequence[LineSource]


class VoidBody(Body):
    """Whether the days of the invoice are charged again, as they cost now; and why it is void."""

    recharge: bool = False
    reason: OptionalText = ""


class GoodwillBody(Body):
    """How much of the line is given back, as an amount or a share of what it charged, and why.

    An amount includes its tax where that of the line does. The same `reference` again is the same
    goodwill.
    """

    amount: AmountText | None = None
    percent: PercentText | None = None
    reason: Text
    reference: Annotated[Text, Field(max_length=REFERENCE_CHARS_MAX)]


class StatementQuery(Query):
    """From which day to which: the first of the month before, to today, unless said."""

    since: Day | None = None
    until: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One event: what it added to what is owed, or took from it, and what was owed after it."""

    on: date
    kind: str
    document: str
    amount: Amount
    balance: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All that moved what is owed between two days; below zero the household has money with us.

    `opening` and the amounts of all lines sum to `closing`. `seller` is whoever sells on the last
    day.
    """

    contract: str
    name: str
    since: date
    until: date
    opening: Amount
    lines: Sequence[StatementLine]
    closing: Amount
    seller: Seller | None


async def show_invoice(call: Call) -> Invoice:
    """Show an invoice by its number."""
    async with call.house.store.read() as tx:
        return invoice(await invoices.view(tx, call.part("number")))


async def void(call: Call, tx: Tx) -> Invoice:
    """Call an invoice void: a credit note gives all of it back, its days are charged again or not.

    What was charged once on it, such as a purchase, is not charged again in any case.
    """
    body: VoidBody = call.body
    number = call.part("number")
    await documents.void(
        call.house, tx, number, call.actor, reason=body.reason, is_charged_again=body.recharge
    )
    return invoice(await invoices.view(tx, number))


async def show_statement(call: Call) -> Statement:
    """Tell what a household owed, every document and payment since, and what it owes."""
    query: StatementQuery = call.query
    async with call.house.store.read() as tx:
        found = await documents.statement(
            call.house, tx, call.part("contract"), query.since, query.until
        )
    return Statement(
        contract=found.contract,
        name=found.name,
        since=found.from_on,
        until=found.to_on,
        opening=Amount.of(found.opening),
        closing=Amount.of(found.closing),
        seller=Seller.of(found.seller),
        lines=[
            StatementLine(
                on=one.on,
                kind=one.kind,
                document=one.document,
                amount=Amount.of(one.amount),
                balance=Amount.of(one.balance),
            )
            for one in found.lines
        ],
    )


async def show_note(call: Call) -> CreditNote:
    """Show a credit note by its number: what it gives back of which lines, and why as much."""
    async with call.house.store.read() as tx:
        return credit_note(await credit_notes.view(tx, call.part("number")))


async def show_line(call: Call) -> ExplainedLine:
    """Explain one line of a document, named like INV-00000012.3, and compute it again."""
    async with call.house.store.read() as tx:
        return explained(await explaining.line(tx, call.part("number")))


async def give_goodwill(call: Call, tx: Tx) -> CreditNote:
    """Give back of a line for no days of it, by a credit note of its own.

    It is refused for more than the line still holds; what is given back of it later is cut to the
    rest.
    """
    body: GoodwillBody = call.body
    done = await forgiving.give(
        call.house,
        tx,
        call.part("number"),
        amount=body.amount,
        percent=body.percent,
        reason=body.reason,
        reference=body.reference,
        actor=call.actor,
    )
    return credit_note(await credit_notes.view(tx, done.note))


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
        goodwill=_word(one.word),
        given_back=[_back(each) for each in one.given_back],
        left=Amount.of(one.left),
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
        goodwill=_word(one.word),
    )


def _word(one: Word | None) -> GoodwillWord | None:
    if one is None:
        return None
    percent = str(one.percent) if one.percent else None
    return GoodwillWord(by=one.by, at=one.at, reason=one.reason, percent=percent)


def _source(one: Source) -> LineSource:
    return LineSource(
        kind=one.kind, id=one.id, from_on=one.from_on, until_on=one.until_on, detail=one.detail
    )


ROUTES = (
    look("invoices/{number}", show_invoice, Invoice),
    change("invoices/{number}/void", void, Invoice, body=VoidBody),
    look("accounts/{contract}/statement", show_statement, Statement, query=StatementQuery),
    look("credit-notes/{number}", show_note, CreditNote),
    look("lines/{number}", show_line, ExplainedLine),
    change("lines/{number}/goodwill", give_goodwill, CreditNote, body=GoodwillBody),
)
