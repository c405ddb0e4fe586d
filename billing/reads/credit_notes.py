"""Credit notes with what each line gives back of which invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, select

from billing.invoicing.store import credit_line, credit_note, decode_groups, invoice, invoice_line
from billing.rating.model import LineKind
from billing.tax.model import TaxGroup
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLineView:
    """What is given back of a line of `invoice`, for its days; `kept` is not."""

    label: str
    kind: LineKind
    invoice: str
    period_start: date
    period_end: date
    amount: Money
    kept: Money
    tax: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteView:
    """One document."""

    number: str
    issued_on: date
    net: Money
    tax: Money
    total: Money
    groups: Sequence[TaxGroup]
    lines: Sequence[CreditLineView]


async def of_account(tx: Tx, key: AccountId, *, limit: int) -> list[CreditNoteView]:
    """List an account's credit notes, the newest first."""
    rows = await _NOTES.rows(tx, {"account": key, "most": limit})
    lines = await _lines(tx, rows) if rows else {}
    return [_view(row, lines[row.id]) for row in rows]


def _notes(_engine: Engine) -> Select[Any]:
    c = credit_note.c
    query = select(credit_note).where(c.account_id == bindparam("account"))
    return query.order_by(c.sequence.desc()).limit(bindparam("most", type_=Integer))


def _credited(engine: Engine) -> Select[Any]:
    c, line = credit_line.c, invoice_line.c
    charged = and_(line.invoice_id == c.invoice_id, line.n == c.invoice_n)
    return (
        select(credit_line, line.kind, line.tax, invoice.c.number)
        .select_from(
            credit_line.join(invoice_line, charged).join(invoice, invoice.c.id == c.invoice_id)
        )
        .where(among(engine, c.note_id))
        .order_by(c.note_id, c.n)
    )


async def _lines(tx: Tx, rows: Sequence[Any]) -> dict[str, list[CreditLineView]]:
    currencies = {row.id: row.currency for row in rows}
    found: dict[str, list[CreditLineView]] = {key: [] for key in currencies}
    for row in await _LINES.rows(tx, {KEYS: packed(tx.engine, sorted(currencies))}):
        found[row.note_id].append(_line(row, currencies[row.note_id]))
    return found


def _line(row: Any, currency: str) -> CreditLineView:
    return CreditLineView(
        label=row.label,
        kind=LineKind(row.kind),
        invoice=row.number,
        period_start=row.period_start,
        period_end=row.period_end,
        amount=Money(row.amount_minor, currency),
        kept=Money(row.kept_minor, currency),
        tax=row.tax,
    )


def _view(row: Any, lines: Sequence[CreditLineView]) -> CreditNoteView:
    return CreditNoteView(
        number=row.number,
        issued_on=row.issued_on,
        net=Money(row.net_minor, row.currency),
        tax=Money(row.tax_minor, row.currency),
        total=Money(row.total_minor, row.currency),
        groups=tuple(decode_groups(row.groups, row.currency)),
        lines=lines,
    )


_NOTES = PreparedQuery(_notes)
_LINES = PreparedQuery(_credited)
