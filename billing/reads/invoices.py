"""Invoices with everything that explains them, and what is left to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, exists, select

from billing.accounts.store import account
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line, voided
from billing.payments.standing import InvoiceState, state_of
from billing.payments.store import open_item, write_off
from billing.rating.model import LineKind
from billing.reads import offs
from billing.reads.offs import OffView
from billing.sellers import store as sellers
from billing.sellers.model import Seller
from billing.tax.groups import decode_groups
from billing.tax.model import TaxGroup
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.errors import NotFound
from terms.ids import AccountId, InvoiceId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line: (`rate` - `offs`) x `days` / `of_days` = `amount`, at the price of `price_from`.

    `amount` is either `net`, or includes its `tax_amount`.
    """

    label: str
    kind: LineKind
    offering: str
    period_start: date
    period_end: date
    days: int
    of_days: int
    rate: Money
    price_from: date
    amount: Money
    net: Money
    tax_amount: Money
    tax: str
    offs: Sequence[OffView] = ()

    @property
    def includes_tax(self) -> bool:
        """Whether the price is one that includes tax."""
        return self.amount != self.net


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """Why an invoice is void, by whom and when; the notes that give it back, what took its place.

    The documents are named where one invoice is looked at.
    """

    at: datetime
    by: str
    reason: str
    is_charged_again: bool
    notes: Sequence[str] = ()
    replaced_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """One document. `open` is what is left to pay of it.

    Where one invoice is looked at, `corrects` names the void ones whose days it charges again.
    `seller` is whoever sold on the day it was issued.
    """

    id: InvoiceId
    number: str
    account: str
    issued_on: date
    due_on: date
    net: Money
    tax: Money
    total: Money
    open: Money
    groups: Sequence[TaxGroup]
    lines: Sequence[LineView]
    state: InvoiceState = InvoiceState.FINALISED
    voided: Voided | None = None
    corrects: Sequence[str] = ()
    seller: Seller | None = None


async def view(tx: Tx, number: str) -> InvoiceView:
    """Show an invoice by its number. Raises NotFound."""
    found = await _views(tx, await tx.rows(_invoices().where(invoice.c.number == number)))
    if not found:
        raise NotFound(f"there is no invoice {number!r}", field="invoice")
    return await _linked(tx, found[0])


async def of_account(tx: Tx, key: AccountId, *, limit: int) -> list[InvoiceView]:
    """List an account's invoices, the newest first."""
    return await _views(tx, await _OF_ACCOUNT.rows(tx, {"account": key, "most": limit}))


async def one_of_account(tx: Tx, key: AccountId, number: str) -> InvoiceView:
    """Show an invoice of this account. Raises NotFound, for one of another account alike."""
    query = _invoices().where(invoice.c.account_id == key, invoice.c.number == number)
    found = await _views(tx, await tx.rows(query))
    if not found:
        raise NotFound(f"there is no invoice {number!r}", field="invoice")
    return await _linked(tx, found[0])


async def page_of_account(
    tx: Tx, key: AccountId, *, behind: str = "", limit: int
) -> list[InvoiceView]:
    """List an account's invoices, the newest first, perhaps only those older than one of them."""
    c = invoice.c
    query = _invoices().where(c.account_id == key)
    if behind:
        one = select(c.sequence).where(c.account_id == key, c.number == behind).correlate(None)
        query = query.where(c.sequence < one.scalar_subquery())
    return await _views(tx, await tx.rows(query.order_by(c.sequence.desc()).limit(limit)))


def _of_account(_engine: Engine) -> Select[Any]:
    query = _invoices().where(invoice.c.account_id == bindparam("account"))
    return query.order_by(invoice.c.sequence.desc()).limit(bindparam("most", type_=Integer))


def _invoices() -> Select[Any]:
    joined = invoice.join(account, account.c.id == invoice.c.account_id).outerjoin(
        open_item, open_item.c.id == invoice.c.id
    )
    joined = joined.outerjoin(voided, voided.c.invoice_id == invoice.c.id)
    return select(
        invoice,
        account.c.number.label("account_number"),
        open_item.c.rest_minor,
        exists().where(write_off.c.invoice_id == invoice.c.id).label("is_written_off"),
        *(voided.c.voided_at, voided.c.voided_by, voided.c.reason, voided.c.is_charged_again),
    ).select_from(joined)


async def _linked(tx: Tx, one: InvoiceView) -> InvoiceView:
    """Name the documents that a void invoice leads to, and those that an invoice corrects."""
    line, before, old = invoice_line.c, invoice_line.alias("before"), invoice.alias("old")
    # The same days of the same subject once more: the line before is on what is corrected.
    same = and_(
        before.c.subject == line.subject,
        before.c.kind == line.kind,
        before.c.period_end == line.period_end,
        before.c.take < line.take,
    )
    joined = (
        invoice_line.join(before, same)
        .join(old, old.c.id == before.c.invoice_id)
        .join(voided, voided.c.invoice_id == old.c.id)
        .join(invoice, invoice.c.id == line.invoice_id)
    )
    pairs = select(invoice.c.number, old.c.number.label("old")).distinct().select_from(joined)
    if one.voided is None:
        rows = await tx.rows(pairs.where(invoice.c.id == one.id).order_by(old.c.number))
        return replace(one, corrects=[row.old for row in rows])
    after = await tx.rows(pairs.where(old.c.id == one.id).order_by(invoice.c.number))
    back, note = credit_line.c, credit_note.c
    query = (
        select(note.number)
        .distinct()
        .select_from(credit_line.join(credit_note, note.id == back.note_id))
    )
    notes = await tx.rows(query.where(back.invoice_id == one.id).order_by(note.number))
    named = replace(
        one.voided,
        notes=[row.number for row in notes],
        replaced_by=[row.number for row in after],
    )
    return replace(one, voided=named)


async def _views(tx: Tx, rows: Sequence[Any]) -> list[InvoiceView]:
    lines = await _lines(tx, rows)
    who = await sellers.load(tx)
    return [replace(_view(row, lines[row.id]), seller=who.on(row.issued_on)) for row in rows]


def _lined(engine: Engine) -> Select[Any]:
    c = invoice_line.c
    return select(invoice_line).where(among(engine, c.invoice_id)).order_by(c.invoice_id, c.n)


async def _lines(tx: Tx, rows: Sequence[Any]) -> dict[str, list[LineView]]:
    currencies = {row.id: row.currency for row in rows}
    found: dict[str, list[LineView]] = {key: [] for key in currencies}
    lined = await _LINES.rows(tx, {KEYS: packed(tx.engine, sorted(currencies))})
    discounted = {row.invoice_id: currencies[row.invoice_id] for row in lined if row.off_minor}
    taken = await offs.of_lines(tx, discounted)
    for row in lined:
        mine = taken.get((row.invoice_id, row.n), [])
        found[row.invoice_id].append(_line(row, currencies[row.invoice_id], mine))
    return found


def _line(row: Any, currency: str, taken: Sequence[OffView]) -> LineView:
    return LineView(
        label=row.label,
        kind=LineKind(row.kind),
        offering=row.offering,
        period_start=row.period_start,
        period_end=row.period_end,
        days=row.units,
        of_days=row.of_units,
        rate=Money(row.rate_minor, currency),
        price_from=row.price_from,
        amount=Money(row.amount_minor, currency),
        net=Money(row.net_minor, currency),
        tax_amount=Money(row.tax_minor, currency),
        tax=row.tax,
        offs=taken,
    )


def _view(row: Any, lines: Sequence[LineView]) -> InvoiceView:
    return InvoiceView(
        id=InvoiceId(row.id),
        number=row.number,
        account=row.account_number,
        issued_on=row.issued_on,
        due_on=row.due_on,
        net=Money(row.net_minor, row.currency),
        tax=Money(row.tax_minor, row.currency),
        total=Money(row.total_minor, row.currency),
        open=Money(row.rest_minor or 0, row.currency),
        groups=tuple(decode_groups(row.groups, row.currency)),
        lines=lines,
        state=state_of(
            Money(row.total_minor, row.currency),
            Money(row.rest_minor or 0, row.currency),
            is_void=row.voided_at is not None,
            is_written_off=bool(row.is_written_off),
        ),
        voided=_voided(row) if row.voided_at else None,
    )


def _voided(row: Any) -> Voided:
    return Voided(
        at=row.voided_at,
        by=row.voided_by,
        reason=row.reason,
        is_charged_again=row.is_charged_again,
    )


_OF_ACCOUNT = PreparedQuery(_of_account)
_LINES = PreparedQuery(_lined)
