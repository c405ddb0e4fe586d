"""What accounts were billed lately: what a bill that is to come is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median_low
from typing import Any

from sqlalchemy import Select, false, func, select

from billing.accounts.store import account, customer
from billing.invoicing.store import invoice
from runtime.store import Tx, to_micros
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import work
from terms.calendar import Period, anchored, days_after
from terms.ids import AccountId, make_id
from terms.money import Money

LOOKS_BACK_INVOICES = 3
# A bill day may wait before it is charged: so many days later counts as the same month's.
LATE_DAYS_MAX = 7
_EPOCH_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """The median of an account's last three invoices, and the day of the newest."""

    usual: Money
    last_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An account by its number and its name."""

    number: str
    name: str


def month_before(day: date) -> Period:
    """Tell on which days somebody was billed who would be again on a day."""
    begins = anchored(day.year, day.month - 1, day.day)
    return Period(begins, min(days_after(begins, LATE_DAYS_MAX), day))


async def lately(tx: Tx, accounts: Sequence[AccountId]) -> Mapping[AccountId, Lately]:
    """Tell what each account was billed lately; whoever never was is left out."""
    found: dict[AccountId, list[Any]] = {}
    for row in await _LAST.rows(tx, {KEYS: packed(tx.engine, sorted(accounts))}):
        found.setdefault(row.account_id, []).append(row)
    return {key: _lately(rows) for key, rows in found.items()}


async def names(tx: Tx, accounts: Sequence[AccountId]) -> Mapping[AccountId, Named]:
    """Tell the number and the name of each account."""
    if not accounts:
        return {}
    rows = await _NAMES.rows(tx, {KEYS: packed(tx.engine, sorted(accounts))})
    return {AccountId(row.id): Named(number=row.number, name=row.name) for row in rows}


async def not_due(
    tx: Tx, day: date, until: datetime, *, names_max: int
) -> tuple[int, Sequence[Named]]:
    """Count who was billed a month before a day and is not looked at until a moment at all.

    Names the first of them.
    """
    c, newer, before = invoice.c, invoice.alias("newer"), month_before(day)
    waits = select(work.c.key).where(
        work.c.kind == "settle", work.c.key == c.account_id, work.c.due_at <= to_micros(until)
    )
    again = select(newer.c.id).where(
        newer.c.account_id == c.account_id, newer.c.sequence > c.sequence
    )
    gone = (
        select(c.account_id)
        .distinct()
        # Ids sort by the time they were made: a walk along the key, not through the table.
        .where(c.id >= _id_on(before.start), c.id < _id_on(days_after(before.end, 1)))
        .where(c.issued_on >= before.start, c.issued_on < before.end)
        .where(~waits.exists(), ~again.exists())
        .subquery()
    )
    count = int(await tx.scalar(select(func.count()).select_from(gone)) or 0)
    rows = await tx.rows(select(gone.c.account_id).order_by(gone.c.account_id).limit(names_max))
    named = await names(tx, [AccountId(row.account_id) for row in rows])
    return count, list(named.values())


def _id_on(day: date) -> str:
    """Return what ids of a day begin with, wherever it begins."""
    begins = (day - timedelta(days=1) - _EPOCH_DAY) // timedelta(milliseconds=1)
    return make_id(begins, 0)


def _lately(rows: Sequence[Any]) -> Lately:
    newest = rows[0].currency
    middle = median_low(row.total_minor for row in rows if row.currency == newest)
    return Lately(usual=Money(middle, newest), last_on=rows[0].issued_on)


def _last(engine: Engine) -> Select[Any]:
    c = invoice.c
    newest = func.row_number().over(partition_by=c.account_id, order_by=c.sequence.desc())
    ranked = (
        select(
            c.account_id,
            *(c.total_minor, c.currency, c.sequence, c.issued_on),
            newest.label("place"),
        )
        .where(among(engine, c.account_id), c.is_fee == false())
        .subquery()
    )
    r = ranked.c
    query = select(r.account_id, r.total_minor, r.currency, r.issued_on)
    query = query.where(r.place <= LOOKS_BACK_INVOICES)
    return query.order_by(r.account_id, r.sequence.desc())


def _names(engine: Engine) -> Select[Any]:
    joined = account.join(customer, customer.c.id == account.c.customer_id)
    query = select(account.c.id, account.c.number, customer.c.name).select_from(joined)
    return query.where(among(engine, account.c.id)).order_by(account.c.number)


_LAST = PreparedQuery(_last)
_NAMES = PreparedQuery(_names)
