"""What the books say as a whole: the trial balance, how old debts are, what is deferred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Integer, case, cast, func, literal, select

from billing.ledger.deferral import month_of
from billing.ledger.model import Book, PostingKind
from billing.ledger.store import entry, posting
from billing.payments.store import INVOICE, open_item
from runtime.store import Tx
from terms.calendar import in_reach
from terms.money import Money

# Of these the trial balance shows every party; of the others, one sum over all accounts.
BY_PARTY = (Book.CLEARING, Book.FEES, Book.VOUCHERS, Book.TAX, Book.OVER_SHORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One line of the trial balance. In `balance` what was debited is positive."""

    book: Book
    party: str
    debit: Money
    credit: Money
    balance: Money


class Age(StrEnum):
    """How long after its due date a debt is open, in days."""

    NOT_DUE = "not_due"
    TO_30 = "1-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over_90"


# What is at most so many days overdue is of this age, the first that fits.
_UP_TO = ((0, Age.NOT_DUE), (30, Age.TO_30), (60, Age.TO_60), (90, Age.TO_90))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """What is open of one age in one currency, of how many invoices and accounts."""

    currency: str
    age: Age
    open: Money
    invoices: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredMonth:
    """How deferred revenue of a currency went through a month."""

    month: date
    opening: Money
    charged: Money
    given_back: Money
    earned: Money
    closing: Money


async def trial(tx: Tx, until: date | None = None) -> list[Balance]:
    """Sum every book by currency, with all that was posted up to and including a day."""
    c = entry.c
    party = case((c.book.in_([each.value for each in BY_PARTY]), c.party), else_="")
    debit = func.sum(case((c.amount_minor > 0, c.amount_minor), else_=0))
    credit = func.sum(case((c.amount_minor < 0, -c.amount_minor), else_=0))
    columns = (c.currency, c.book, party.label("party"))
    query = select(*columns, debit.label("debit"), credit.label("credit"))
    if until is not None:
        query = query.select_from(entry.join(posting, posting.c.id == c.posting_id))
        query = query.where(posting.c.posted_on <= until)
    rows = await tx.rows(query.group_by(c.currency, c.book, party))
    order = list(Book)
    sorted_rows = sorted(rows, key=lambda r: (r.currency, order.index(Book(r.book)), r.party))
    return [_balance(row) for row in sorted_rows]


def _balance(row: Any) -> Balance:
    debit, credit = (Money(int(minor), row.currency) for minor in (row.debit, row.credit))
    return Balance(
        book=Book(row.book), party=row.party, debit=debit, credit=credit, balance=debit - credit
    )


async def ageing(tx: Tx, today: date) -> list[Aged]:
    """Sum what is open by its age on a day; each currency has every age. Raises Invalid."""
    c, today = open_item.c, in_reach("on", today)
    age = case(
        *(
            (c.due_on >= today - timedelta(days=days), literal(place))
            for place, (days, _) in enumerate(_UP_TO)
        ),
        else_=len(_UP_TO),
    )
    rest = func.sum(c.rest_minor).label("rest")
    counted = (
        func.count().label("invoices"),
        func.count(c.account_id.distinct()).label("accounts"),
    )
    query = select(c.currency, cast(age, Integer).label("age"), rest, *counted)
    rows = await tx.rows(query.where(c.kind == INVOICE).group_by(c.currency, age))
    found = {(row.currency, row.age): row for row in rows}
    return [
        _aged(currency, place, found.get((currency, place)))
        for currency in sorted({currency for currency, _ in found})
        for place in range(len(Age))
    ]


def _aged(currency: str, place: int, row: Any) -> Aged:
    rest, invoices, accounts = (row.rest, row.invoices, row.accounts) if row else (0, 0, 0)
    return Aged(
        currency=currency,
        age=list(Age)[place],
        open=Money(int(rest), currency),
        invoices=int(invoices),
        accounts=int(accounts),
    )


async def deferred(tx: Tx, since: date, until: date) -> list[DeferredMonth]:
    """Roll deferred revenue forward, month by month, from that of a day to that of another.

    Raises Invalid for a day that is far away.
    """
    since, until = in_reach("since", since), in_reach("until", until)
    c = posting.c
    amount = func.sum(-entry.c.amount_minor).label("amount")
    joined = entry.join(posting, c.id == entry.c.posting_id)
    query = select(entry.c.currency, c.posted_on, c.kind, amount).select_from(joined)
    query = query.where(entry.c.book == Book.DEFERRED.value, c.posted_on < month_of(until).end)
    rows = await tx.rows(query.group_by(entry.c.currency, c.posted_on, c.kind))
    moves: dict[str, list[tuple[date, str, int]]] = {}
    for row in rows:
        moves.setdefault(row.currency, []).append((row.posted_on, row.kind, int(row.amount)))
    return [
        month
        for currency in sorted(moves)
        for month in _rolled(currency, moves[currency], month_of(since).start, until)
    ]


def _rolled(
    currency: str, moves: Sequence[tuple[date, str, int]], first: date, until: date
) -> Iterable[DeferredMonth]:
    opening = sum(amount for on, _, amount in moves if on < first)
    month = month_of(first)
    while month.start <= until:
        sums: Counter[str] = Counter()
        for on, kind, amount in moves:
            if on in month:
                sums[kind] += amount
        closing = opening + sums.total()
        yield DeferredMonth(
            month=month.start,
            opening=Money(opening, currency),
            charged=Money(sums[PostingKind.INVOICE], currency),
            given_back=Money(-sums[PostingKind.CREDIT_NOTE], currency),
            earned=Money(-sums[PostingKind.EARNED], currency),
            closing=Money(closing, currency),
        )
        opening, month = closing, month_of(month.end)
