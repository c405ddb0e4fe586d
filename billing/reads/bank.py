"""Statements of banks as people see them, and where one is missing between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from billing.accounts.store import account
from billing.bank.model import ON_ACCOUNTS, WAITING
from billing.bank.store import bank_entry, bank_part, bank_statement, stands
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
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


async def statements(
    tx: Tx, *, account: str = "", limit: int = STATEMENTS_MAX
) -> list[StatementView]:
    """List the newest statements, of one bank account of ours or of all, the newest first.

    A gap is told where one opens with another balance than the one before it closed with, and does
    not overlap with it.
    """
    c = bank_statement.c
    query = select(bank_statement)
    if account:
        query = query.where(c.account == account)
    newest = query.order_by(c.closed_on.desc(), c.opened_on.desc(), c.id.desc()).limit(limit + 1)
    last: dict[str, StatementView] = {}
    found: list[StatementView] = []
    for row in reversed(await tx.rows(newest)):
        one = _view(row, last.get(row.account))
        found.append(one)
        before = last.get(row.account)
        if before is None or before.closed_on <= one.closed_on:
            last[row.account] = one
    return found[::-1][:limit]


def _view(row: Any, before: StatementView | None) -> StatementView:
    opening = Money(row.opening_minor, row.currency)
    gap = None
    if before is not None and before.closing.currency == row.currency:
        missing = opening - before.closing
        if missing.amount_minor and row.opened_on >= before.closed_on:
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
    """A line whose money is on accounts."""

    id: str
    booked_on: date
    amount: Money
    name: str
    numbers: str


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
        )
        for row in rows
    ]


async def waiting_count(tx: Tx) -> int:
    """Count the lines that wait for a person."""
    c = bank_entry.c
    query = select(func.count()).select_from(bank_entry).where(c.state.in_(sorted(WAITING)))
    return int(await tx.scalar(query) or 0)
