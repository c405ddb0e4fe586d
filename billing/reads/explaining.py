"""One line of a document with everything it came about by, computed again from its record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Select, and_, or_, select

from billing.accounts.store import account, service
from billing.catalog.terms import Measure
from billing.invoicing.credit import Charged, CreditLine, execute_credit
from billing.invoicing.goodwill import GIVEN, given_from, goodwill
from billing.invoicing.model import line_named
from billing.invoicing.store import charged_from, credit_line, credit_note, invoice, invoice_line
from billing.pending.store import pending_charge
from billing.rating.execute import execute
from billing.rating.model import Charge, LineKind
from billing.rating.usage import again
from billing.reads import offs
from billing.reads.offs import OffView
from billing.reads.sources import Source, sources
from billing.tax.groups import decode_groups
from billing.tax.levels import Level, Split
from billing.tax.model import TaxGroup
from runtime.store import Tx
from terms.calendar import Period
from terms.errors import NotFound
from terms.money import Money, Rate, total

_ROUNDED_FOR = {
    Level.LINE: "each line",
    Level.GROUP: "all lines of this rate",
    Level.DOCUMENT: "the whole document",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A person's word that something is given back for no days: whose, when, why, what share."""

    by: str
    at: datetime
    reason: str
    percent: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What a credit note gave back of the line: `amount`, and `kept` which it did not.

    Goodwill is for no days and has a `word`.
    """

    note: str
    line: int
    period_start: date
    period_end: date
    amount: Money
    kept: Money
    word: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Line `line` of a document: (`rate` - `offs`) x `units` / `of_units`, after `units_before`.

    `rate` is for all of the quantity in a whole period, and so is what promotions take off it in
    `offs`. `executed` is the amount, computed again from what the line says of itself; it is `net`,
    or includes its `tax_amount`. `group` is what the document was taxed by together with this line,
    rounded half up once at its level; none where the line is untaxed. What is given back as
    goodwill has a `word`.
    """

    document: str
    line: int
    account: str
    contract: str
    label: str
    kind: LineKind
    subject: str
    offering: str
    price_from: date
    period_start: date
    period_end: date
    measure: Measure
    units_before: int
    units: int
    of_units: int
    quantity: int
    rate: Money
    amount: Money
    executed: Money
    net: Money
    tax_amount: Money
    tax: str
    group: TaxGroup | None
    given_back: Sequence[Back] = ()
    gives_back: str = ""
    kept: Money | None = None
    word: Word | None = None
    sources: Sequence[Source] = field(default_factory=tuple)
    offs: Sequence[OffView] = ()

    @property
    def fraction(self) -> Fraction:
        """What of a whole period it is for."""
        return Fraction(self.units, self.of_units)

    @property
    def taxed(self) -> str:
        """How its tax came about, in words."""
        group = self.group
        if group is None:
            return "untaxed"
        included = ", included in its amount" if self.amount != self.net else ""
        return (
            f"{self.tax_amount} of tax{included}; {group.name} {group.rate}: {group.amount} of "
            f"{group.net}, rounded half up once for {_ROUNDED_FOR[group.level]}"
        )

    @property
    def left(self) -> Money:
        """What of a charge was neither given back nor kept."""
        gone = [each.amount + each.kept for each in self.given_back]
        return self.amount - total(gone, self.amount.currency)

    @property
    def agrees(self) -> bool:
        """Whether the record computes to the amount."""
        return self.executed == self.amount


async def line(tx: Tx, text: str) -> Explanation:
    """Explain a line of an invoice or a credit note, by the document's number or id.

    Raises NotFound.
    """
    named = line_named(text)
    for find in (_of_invoice, _of_note) if named else ():
        found = await find(tx, *named) if named else None
        if found is not None:
            return found
    raise NotFound(f"there is no line {text!r}: name one like INV-00000012.3", field="line")


def _charged_query() -> Select[Any]:
    joined = (
        invoice_line.join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .join(account, account.c.id == invoice.c.account_id)
        .join(service, service.c.id == invoice_line.c.service_id)
    )
    return select(
        invoice_line,
        *(invoice.c.currency, invoice.c.groups, invoice.c.number.label("document")),
        *(account.c.number.label("account_number"), account.c.zone, service.c.contract),
    ).select_from(joined)


async def _of_invoice(tx: Tx, document: str, n: int) -> Explanation | None:
    c = invoice.c
    query = _charged_query().where(
        or_(c.number == document, c.id == document), invoice_line.c.n == n
    )
    row = await tx.first(query)
    if row is None:
        return None
    charged = charged_from(row)
    given_back = await _given_back(tx, charged)
    return await _explained(
        tx,
        row,
        charged,
        document=(row.document, n),
        amount=charged.line.charge.amount,
        executed=execute(await _rated_again(tx, charged.line.charge, row.subject)),
        given_back=given_back,
    )


async def _rated_again(tx: Tx, charge: Charge, subject: str) -> Charge:
    """Return a charge of usage at the rate that its record comes to; any other as it is."""
    if charge.kind is not LineKind.USAGE:
        return charge
    record = await tx.scalar(select(pending_charge.c.record).where(pending_charge.c.id == subject))
    return replace(charge, rate=again(json.loads(record), charge.rate.currency))


async def _of_note(tx: Tx, document: str, n: int) -> Explanation | None:
    c, back = credit_note.c, credit_line.c
    joined = credit_line.join(credit_note, c.id == back.note_id)
    query = (
        select(credit_line, c.number, c.sequence, c.currency, c.groups, *_WORD)
        .select_from(joined.outerjoin(goodwill, goodwill.c.id == back.goodwill_id))
        .where(or_(c.number == document, c.id == document), back.n == n)
    )
    note = await tx.first(query)
    if note is None:
        return None
    lines = invoice_line.c
    row = await tx.first(
        _charged_query().where(lines.invoice_id == note.invoice_id, lines.n == note.invoice_n)
    )
    if row is None:
        return None
    charged = await _as_it_stood(tx, charged_from(row), note)
    credit = CreditLine(
        of=charged,
        label=note.label,
        period=Period(note.period_start, note.period_end),
        amount=Money(note.amount_minor, note.currency),
        split=Split(Money(note.net_minor, note.currency), Money(note.tax_minor, note.currency)),
        kept=Money(note.kept_minor, note.currency),
        goodwill=note.goodwill_id or "",
    )
    return await _explained(
        tx,
        row,
        charged,
        document=(note.number, n),
        amount=credit.amount,
        executed=execute_credit(credit, row.zone),
        credit=(credit, note.groups),
        word=_word(note),
    )


async def _explained(
    tx: Tx,
    row: Any,
    charged: Charged,
    *,
    document: tuple[str, int],
    amount: Money,
    executed: Money,
    given_back: Sequence[Back] = (),
    credit: tuple[CreditLine, str] | None = None,
    word: Word | None = None,
) -> Explanation:
    one = charged.line.charge
    period = credit[0].period if credit else one.period
    groups = credit[1] if credit else row.groups
    split = credit[0].split if credit else charged.split
    return Explanation(
        document=document[0],
        line=document[1],
        account=row.account_number,
        contract=row.contract,
        label=charged.line.label,
        kind=one.kind,
        subject=charged.line.subject,
        offering=one.offering,
        price_from=one.price_from,
        period_start=period.start,
        period_end=period.end,
        measure=one.measure,
        units_before=one.share.since,
        units=one.share.units,
        of_units=one.share.of,
        quantity=one.quantity,
        rate=one.rate,
        amount=amount,
        executed=executed,
        net=split.net,
        tax_amount=split.tax,
        tax=one.tax,
        group=_group(groups, row.currency, charged),
        given_back=given_back,
        gives_back=f"{row.document}.{row.n}" if credit else "",
        kept=credit[0].kept if credit else None,
        word=word,
        sources=await sources(tx, row, one),
        offs=await _offs(tx, row),
    )


async def _offs(tx: Tx, row: Any) -> Sequence[OffView]:
    if not row.off_minor:
        return ()
    found = await offs.of_lines(tx, {row.invoice_id: row.currency})
    return found.get((row.invoice_id, row.n), ())


def _group(text: str, currency: str, charged: Charged) -> TaxGroup | None:
    """Find what a line was taxed by: its tax, where and at the rate it was raised."""
    of = charged.group
    groups = decode_groups(text, currency)
    return next((g for g in groups if of and (g.name, g.rate) == (of.name, of.rate)), None)


async def _given_back(tx: Tx, charged: Charged) -> list[Back]:
    c, back = credit_note.c, credit_line.c
    query = (
        select(credit_line, c.number, c.currency, *_WORD)
        .select_from(
            credit_line.join(credit_note, c.id == back.note_id).outerjoin(
                goodwill, goodwill.c.id == back.goodwill_id
            )
        )
        .where(back.invoice_id == charged.invoice, back.invoice_n == charged.n)
        .order_by(c.sequence, back.n)
    )
    return [
        Back(
            note=row.number,
            line=row.n,
            period_start=row.period_start,
            period_end=row.period_end,
            amount=Money(row.amount_minor, row.currency),
            kept=Money(row.kept_minor, row.currency),
            word=_word(row),
        )
        for row in await tx.rows(query)
    ]


async def _as_it_stood(tx: Tx, charged: Charged, note: Any) -> Charged:
    """Return a line with what was given back of it before a line of a credit note."""
    c, back = credit_note.c, credit_line.c
    before = or_(c.sequence < note.sequence, and_(c.sequence == note.sequence, back.n < note.n))
    query = (
        select(*GIVEN)
        .select_from(credit_line.join(credit_note, c.id == back.note_id))
        .where(back.invoice_id == charged.invoice, back.invoice_n == charged.n, before)
    )
    for row in await tx.rows(query):
        charged = charged.gave(given_from(row))
    return charged


_WORD = (goodwill.c.reason, goodwill.c.given_by, goodwill.c.given_at, goodwill.c.percent_ppm)


def _word(row: Any) -> Word | None:
    if row.goodwill_id is None:
        return None
    percent = None if row.percent_ppm is None else Rate(row.percent_ppm)
    return Word(by=row.given_by, at=row.given_at, reason=row.reason, percent=percent)
