"""Invoices with everything that explains them, and what is left to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select

from billing.accounts.store import account
from billing.invoicing.store import decode_groups, invoice, invoice_line
from billing.payments.store import open_item
from billing.rating.model import LineKind
from billing.reads import offs
from billing.reads.offs import OffView
from billing.tax.model import TaxGroup
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.errors import NotFound
from terms.ids import AccountId, InvoiceId
from terms.money import Money

LIMIT_MAX = 500


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
class InvoiceView:
    """One document. `open` is what is left to pay of it."""

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


async def view(tx: Tx, number: str) -> InvoiceView:
    """Show an invoice by its number. Raises NotFound."""
    found = await _views(tx, await tx.rows(_invoices().where(invoice.c.number == number)))
    if not found:
        raise NotFound(f"there is no invoice {number!r}")
    return found[0]


async def listing(tx: Tx, *, after: str = "", limit: int = 50) -> list[InvoiceView]:
    """List invoices, the newest first, behind a number."""
    query = _invoices().order_by(invoice.c.number.desc()).limit(min(limit, LIMIT_MAX))
    query = query.where(invoice.c.number < after) if after else query
    return await _views(tx, await tx.rows(query))


async def of_account(tx: Tx, key: AccountId, *, limit: int) -> list[InvoiceView]:
    """List an account's invoices, the newest first."""
    return await _views(tx, await _OF_ACCOUNT.rows(tx, {"account": key, "most": limit}))


async def one_of_account(tx: Tx, key: AccountId, number: str) -> InvoiceView:
    """Show an invoice of this account. Raises NotFound, for one of another account alike."""
    query = _invoices().where(invoice.c.account_id == key, invoice.c.number == number)
    found = await _views(tx, await tx.rows(query))
    if not found:
        raise NotFound(f"there is no invoice {number!r}")
    return found[0]


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
    return select(
        invoice, account.c.number.label("account_number"), open_item.c.rest_minor
    ).select_from(joined)


async def _views(tx: Tx, rows: Sequence[Any]) -> list[InvoiceView]:
    lines = await _lines(tx, rows)
    return [_view(row, lines[row.id]) for row in rows]


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
    )


_OF_ACCOUNT = PreparedQuery(_of_account)
_LINES = PreparedQuery(_lined)
