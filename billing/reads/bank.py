"""Statements of banks as people see them, and where one is missing between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from billing.accounts.store import account
from billing.bank.model import ON_ACCOUNTS, WAITING
from billing.bank.store import bank_aside, bank_entry, bank_part, bank_statement, is_aside, stands
from runtime.store import Tx, keyset
from runtime.store.among import KEYS, among, packed
from runtime.store.keyset import Place
from terms.money import Money

STATEMENTS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """A statement that was taken whole; `gap` is what lies between it and the one before."""

    account: str
    id: str
    sequence: int | None
    opened_on: date
    closed_on: date
    opening: Money
    closing: Money
    lines: int
    taken_at: datetime
    gap: Money | None

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return self.closed_on, self.opened_on, self.id, self.account


async def statements(
    tx: Tx, *, account: str = "", limit: int = STATEMENTS_MAX, behind: Place | None = None
) -> list[StatementView]:
    """List the newest statements, of one bank account of ours or of all, the newest first.

    A gap is told where one opens with another balance than the one before it closed with, and does
    not overlap with it.
    """
    c = bank_statement.c
    in_turn = (c.closed_on, c.opened_on, c.id)
    before = [
        func.lag(column, type_=column.type)
        .over(partition_by=c.account, order_by=in_turn)
        .label(f"before_{column.name}")
        for column in (c.closing_minor, c.currency, c.closed_on)
    ]
    query = select(bank_statement, *before)
    if account:
        query = query.where(c.account == account)
    one = query.subquery()
    order = (one.c.closed_on, one.c.opened_on, one.c.id, one.c.account)
    return [_view(row) for row in await tx.rows(keyset.page(select(one), order, behind, limit))]


def _view(row: Any) -> StatementView:
    opening = Money(row.opening_minor, row.currency)
    gap = None
    if row.before_currency == row.currency:
        missing = opening - Money(row.before_closing_minor, row.currency)
        if missing.amount_minor and row.opened_on >= row.before_closed_on:
            gap = missing
    return StatementView(
        account=row.account,
        id=row.id,
        sequence=row.sequence,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
        opening=opening,
        closing=Money(row.closing_minor, row.currency),
        lines=row.lines,
        taken_at=row.taken_at,
        gap=gap,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidLine:
    """A line whose money went to accounts; `is_returned` where the bank has taken it back since."""

    id: str
    booked_on: date
    amount: Money
    name: str
    numbers: str
    is_returned: bool


async def lately(tx: Tx, *, limit: int) -> list[LaidLine]:
    """List the lines that went to accounts last, the newest taken first."""
    c, p, a = bank_entry.c, bank_part.c, account.c
    query = select(bank_entry).where(c.state.in_(sorted(ON_ACCOUNTS)), c.amount_minor > 0)
    rows = await tx.rows(query.order_by(c.id.desc()).limit(limit))
    keys = {KEYS: packed(tx.engine, [row.id for row in rows])}
    whose = (
        select(p.entry_id, a.number)
        .join_from(bank_part, account, a.id == p.account_id)
        .where(among(tx.engine, p.entry_id), stands())
        .order_by(p.entry_id, p.n)
    )
    taken_back = select(c.of_id).where(among(tx.engine, c.of_id))
    returned = {row.of_id for row in await tx.rows(taken_back, keys)} if rows else set()
    numbers: dict[str, list[str]] = {}
    for row in await tx.rows(whose, keys) if rows else ():
        numbers.setdefault(row.entry_id, []).append(row.number)
    return [
        LaidLine(
            id=row.id,
            booked_on=row.booked_on,
            amount=Money(row.amount_minor, row.currency),
            name=row.name or row.text,
            numbers=", ".join(numbers.get(row.id, ())),
            is_returned=row.id in returned,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideLine:
    """A line that a person has set aside, and why; `provider` is which paid out by it."""

    id: str
    booked_on: date
    amount: Money
    name: str
    provider: str
    reason: str
    at: datetime

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return self.at, self.id


async def asides(tx: Tx, *, limit: int, behind: Place | None = None) -> list[AsideLine]:
    """List the lines that are set aside, the last first."""
    c, a = bank_entry.c, bank_aside.c
    query = (
        select(bank_entry, a.provider, a.reason.label("told"), a.at)
        .join_from(bank_aside, bank_entry, c.id == a.entry_id)
        .where(is_aside())
    )
    return [
        AsideLine(
            id=row.id,
            booked_on=row.booked_on,
            amount=Money(row.amount_minor, row.currency),
            name=row.name or row.text,
            provider=row.provider,
            reason=row.told,
            at=row.at,
        )
        for row in await tx.rows(keyset.page(query, (a.at, a.entry_id), behind, limit))
    ]


async def waiting_count(tx: Tx) -> int:
    """Count the lines that wait for a person."""
    c = bank_entry.c
    query = select(func.count()).select_from(bank_entry).where(c.state.in_(sorted(WAITING)))
    return int(await tx.scalar(query) or 0)
