"""Credit notes with what each line gives back of which invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, select

from billing.accounts.store import account
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.rating.model import LineKind
from billing.sellers import store as sellers
from billing.sellers.model import Seller
from billing.tax.groups import decode_groups
from billing.tax.model import TaxGroup
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.errors import NotFound
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLineView:
    """What is given back of line `line` of `invoice`, for its days; `kept` is not.

    That line had charged `charged`: `rate`, after discounts, x `charged_days` / `of_days`. What
    stays charged of it is `rate` x `used_days` / `of_days`. `amount` is either `net`, or
    includes its `tax_amount`. Goodwill is for no days.
    """

    label: str
    kind: LineKind
    invoice: str
    line: int
    period_start: date
    period_end: date
    charged_days: int
    of_days: int
    rate: Money
    charged: Money
    amount: Money
    net: Money
    tax_amount: Money
    kept: Money
    tax: str
    is_goodwill: bool

    @property
    def days(self) -> int:
        """How many days are given back."""
        return 0 if self.is_goodwill else (self.period_end - self.period_start).days

    @property
    def includes_tax(self) -> bool:
        """Whether the price was one that includes tax."""
        return self.amount != self.net

    @property
    def used_days(self) -> int:
        """How many days stay paid."""
        return self.charged_days - self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteView:
    """One document; `seller` is whoever sold on the day it was issued."""

    number: str
    account: str
    issued_on: date
    net: Money
    tax: Money
    total: Money
    groups: Sequence[TaxGroup]
    lines: Sequence[CreditLineView]
    seller: Seller | None = None


async def of_account(tx: Tx, key: AccountId, *, limit: int) -> list[CreditNoteView]:
    """List an account's credit notes, the newest first."""
    return await _views(tx, await _OF_ACCOUNT.rows(tx, {"account": key, "most": limit}))


async def view(tx: Tx, number: str) -> CreditNoteView:
    """Show a credit note by its number. Raises NotFound."""
    found = await _views(tx, await tx.rows(_notes().where(credit_note.c.number == number)))
    if not found:
        raise NotFound(f"there is no credit note {number!r}", field="credit_note")
    return found[0]


async def one_of_account(tx: Tx, key: AccountId, number: str) -> CreditNoteView:
    """Show a credit note of this account. Raises NotFound, for one of another account alike."""
    query = _notes().where(credit_note.c.account_id == key, credit_note.c.number == number)
    found = await _views(tx, await tx.rows(query))
    if not found:
        raise NotFound(f"there is no credit note {number!r}", field="credit_note")
    return found[0]


def _notes() -> Select[Any]:
    joined = credit_note.join(account, account.c.id == credit_note.c.account_id)
    return select(credit_note, account.c.number.label("account_number")).select_from(joined)


def _of_account(_engine: Engine) -> Select[Any]:
    query = _notes().where(credit_note.c.account_id == bindparam("account"))
    query = query.order_by(credit_note.c.sequence.desc())
    return query.limit(bindparam("most", type_=Integer))


async def _views(tx: Tx, rows: Sequence[Any]) -> list[CreditNoteView]:
    if not rows:
        return []
    lines, who = await _lines(tx, rows), await sellers.load(tx)
    return [replace(_view(row, lines[row.id]), seller=who.on(row.issued_on)) for row in rows]


def _credited(engine: Engine) -> Select[Any]:
    c, line = credit_line.c, invoice_line.c
    charged = and_(line.invoice_id == c.invoice_id, line.n == c.invoice_n)
    return (
        select(
            *(credit_line, line.kind, line.tax, line.units, line.of_units),
            (line.rate_minor - line.off_minor).label("rate_minor"),
            line.amount_minor.label("charged_minor"),
            invoice.c.number,
        )
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
        line=row.invoice_n,
        period_start=row.period_start,
        period_end=row.period_end,
        charged_days=row.units,
        of_days=row.of_units,
        rate=Money(row.rate_minor, currency),
        charged=Money(row.charged_minor, currency),
        amount=Money(row.amount_minor, currency),
        net=Money(row.net_minor, currency),
        tax_amount=Money(row.tax_minor, currency),
        kept=Money(row.kept_minor, currency),
        tax=row.tax,
        is_goodwill=row.goodwill_id is not None,
    )


def _view(row: Any, lines: Sequence[CreditLineView]) -> CreditNoteView:
    return CreditNoteView(
        number=row.number,
        account=row.account_number,
        issued_on=row.issued_on,
        net=Money(row.net_minor, row.currency),
        tax=Money(row.tax_minor, row.currency),
        total=Money(row.total_minor, row.currency),
        groups=tuple(decode_groups(row.groups, row.currency)),
        lines=lines,
    )


_OF_ACCOUNT = PreparedQuery(_of_account)
_LINES = PreparedQuery(_credited)
