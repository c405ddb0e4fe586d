"""An account's statement: what was owed before, every movement of it, what is owed after.

Read from the ledger, so that it says what the books say: what an account owes less what stands to
its credit. Below zero the account has money with us.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from billing.accounts.store import account, customer, service
from billing.invoicing.store import credit_note, invoice
from billing.ledger.model import Book
from billing.ledger.store import entry, posting
from billing.payments.store import movement
from billing.sellers import store as sellers
from billing.sellers.model import Seller
from runtime.store import Tx
from terms.calendar import days_after, in_reach
from terms.errors import Invalid, NotFound
from terms.ids import AccountId
from terms.money import Money

LINES_MAX = 2_000
_OF_ACCOUNT = (Book.RECEIVABLE.value, Book.CREDIT.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One event: what it added to what is owed, or took from it, and what was owed after it.

    `document` is the number of the invoice or credit note, or what the payment is known by.
    """

    on: date
    kind: str
    document: str
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All that moved what an account owes from `from_on` to `to_on`, both included.

    `seller` is whoever sells on its last day.
    """

    account: str
    contract: str
    name: str
    from_on: date
    to_on: date
    opening: Money
    lines: Sequence[StatementLine]
    closing: Money
    seller: Seller | None


async def statement(
    tx: Tx, key: AccountId, from_on: date, to_on: date, *, lines_max: int = LINES_MAX
) -> Statement:
    """Draw up the statement of an account, in its currency.

    Raises NotFound, and Invalid for days in the wrong order or far away, and for more than
    so many lines.
    """
    if in_reach("until", to_on) < in_reach("since", from_on):
        raise Invalid("since", f"must not be after {to_on}")
    about = await _about(tx, key)
    ours = _sides(key, about.currency)
    before = await tx.scalar(
        select(func.sum(entry.c.amount_minor))
        .select_from(entry.join(posting, posting.c.id == entry.c.posting_id))
        .where(*ours, posting.c.posted_on < from_on)
    )
    opening = Money(int(before or 0), about.currency)
    rows = await tx.rows(_moves(ours, from_on, to_on).limit(lines_max + 1))
    if len(rows) > lines_max:
        raise Invalid("since", f"more than {lines_max} lines since {from_on}: ask for fewer days")
    lines = list(_lines(rows, opening))
    return Statement(
        account=about.number,
        contract=about.contract or about.number,
        name=about.name,
        from_on=from_on,
        to_on=to_on,
        opening=opening,
        lines=lines,
        closing=lines[-1].balance if lines else opening,
        seller=(await sellers.load(tx)).on(to_on),
    )


async def _about(tx: Tx, key: AccountId) -> Any:
    joined = account.join(customer, customer.c.id == account.c.customer_id)
    joined = joined.outerjoin(service, service.c.account_id == account.c.id)
    c = account.c
    query = select(c.number, c.currency, customer.c.name, service.c.contract)
    found = await tx.first(query.select_from(joined).where(c.id == key).order_by(service.c.id))
    if found is None:
        raise NotFound(f"there is no account {key!r}")
    return found


def _sides(key: AccountId, currency: str) -> tuple[ColumnElement[bool], ...]:
    """Choose the entries of what an account owes and of what stands to its credit."""
    e = entry.c
    return (
        posting.c.account_id == key,
        e.party == key,
        e.book.in_(_OF_ACCOUNT),
        e.currency == currency,
    )


def _moves(ours: tuple[ColumnElement[bool], ...], from_on: date, to_on: date) -> Select[Any]:
    """Choose what changed the balance; what only uses up credit does not."""
    p, moved = posting.c, func.sum(entry.c.amount_minor)
    joined = (
        posting.join(entry, entry.c.posting_id == p.id)
        .outerjoin(invoice, invoice.c.id == p.id)
        .outerjoin(credit_note, credit_note.c.id == p.id)
        .outerjoin(movement, movement.c.id == p.id)
    )
    document = func.coalesce(invoice.c.number, credit_note.c.number, movement.c.charge, "")
    return (
        select(
            *(p.id, p.kind, p.posted_on, p.posted_at, entry.c.currency),
            func.max(document).label("document"),
            moved.label("moved"),
        )
        .select_from(joined)
        .where(*ours, p.posted_on >= from_on, p.posted_on < days_after(to_on, 1))
        .group_by(p.id, p.kind, p.posted_on, p.posted_at, entry.c.currency)
        .having(moved != 0)
        # Of one instant the invoice stands before what pays it.
        .order_by(p.posted_on, p.posted_at, p.kind, p.id)
    )


def _lines(rows: Sequence[Any], balance: Money) -> Iterator[StatementLine]:
    for row in rows:
        amount = Money(int(row.moved), row.currency)
        balance += amount
        yield StatementLine(
            on=row.posted_on,
            kind=row.kind,
            document=row.document,
            amount=amount,
            balance=balance,
        )
