"""A month that is over is earned: what was deferred for its days becomes revenue.

Page by page of accounts, each in a transaction of its own, with as many statements whatever is on
it. Where it stands is a row, so that it goes on where it stopped; a posting's id is its account and
month, so that none is made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, delete, select

from billing.accounts.store import account
from billing.invoicing.deferred import Back, Deferred, parts_of
from billing.invoicing.goodwill import goodwill
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.ledger import store as ledger
from billing.ledger.deferral import Deferral, earned, is_deferred, month_of
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.ledger.store import deferral, deferral_from, deferred_on, earned_month
from billing.rating.model import LineKind
from runtime.store import Tx
from runtime.store.alone import Alone, alone
from terms.calendar import Period
from terms.ids import AccountId
from terms.money import Money

ACCOUNTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """A page of a month: how many accounts were looked at, how many of them earned something."""

    month: date
    accounts: int
    postings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A month that is being earned, of all accounts up to one."""

    month: Period
    after: str


async def earn(tx: Tx, now: datetime) -> Earned | None:
    """Earn the next page of the oldest month that is over and not done; None where there is none.

    A month is over a day after its end, when it is so in every zone.
    """
    # The next month has no row yet for which somebody else could be waited.
    await alone(tx, Alone.EARN)
    place = await _place(tx)
    if place is None or now.date() <= place.month.end:
        return None
    c = account.c
    query = select(c.id).where(c.id > place.after).order_by(c.id).limit(ACCOUNTS_AT_ONCE)
    keys = [AccountId(row.id) for row in await tx.rows(query)]
    if not keys:
        await _keep(tx, place.month.start, after=place.after, is_done=True)
        return Earned(month=place.month.start, accounts=0, postings=0)
    before = await _deferrals(tx, place.month, place.after, keys[-1])
    after = earned(before, place.month.end)
    postings = _postings(before, after, place.month, now)
    await ledger.write(tx, postings)
    await ledger.keep_deferrals(tx, after)
    d = deferral.c
    page = and_(d.account_id > place.after, d.account_id <= keys[-1])
    await tx.execute(delete(deferral).where(page, d.earned_minor == d.amount_minor))
    await _keep(tx, place.month.start, after=keys[-1], is_done=False)
    return Earned(month=place.month.start, accounts=len(keys), postings=len(postings))


async def _place(tx: Tx) -> _Place | None:
    """Find where to go on."""
    c = earned_month.c
    query = select(earned_month).order_by(c.month.desc()).limit(1)
    row = await tx.first(query)
    if row is None:
        first = await tx.scalar(select(invoice.c.issued_on).order_by(invoice.c.id).limit(1))
        return None if first is None else _Place(month=month_of(first), after="")
    month = month_of(row.month)
    if row.is_done:
        return _Place(month=month_of(month.end), after="")
    return _Place(month=month, after=row.account_id)


async def _keep(tx: Tx, month: date, *, after: str, is_done: bool) -> None:
    row = {"month": month, "account_id": after, "is_done": is_done}
    await tx.upsert(earned_month, [row], key=("month",))


def _postings(
    before: Sequence[Deferral], after: Sequence[Deferral], month: Period, now: datetime
) -> list[Posting]:
    """Book what each account has earned in a month; nothing where that is nothing."""
    parts: dict[AccountId, dict[str, int]] = {}
    for was, one in zip(before, after, strict=True):
        sums = parts.setdefault(one.account, {})
        currency = one.amount.currency
        sums[currency] = sums.get(currency, 0) + one.earned_minor - was.earned_minor
    return [
        _posting(key, [Money(part, currency) for currency, part in sums.items()], month, now)
        for key, sums in parts.items()
        if any(sums.values())
    ]


def _posting(key: AccountId, parts: Iterable[Money], month: Period, now: datetime) -> Posting:
    sides = [
        side for part in parts for side in ((Book.DEFERRED, "", part), (Book.REVENUE, "", -part))
    ]
    return Posting(
        id=f"{key}.{month.start:%Y-%m}",
        kind=PostingKind.EARNED,
        account=key,
        on=month.end - timedelta(days=1),
        at=now,
        entries=entries(*sides),
    )


async def _deferrals(tx: Tx, month: Period, after: str, last: AccountId) -> list[Deferral]:
    """Load what accounts behind one have deferred, and what they were charged in a month."""

    def mine(key: ColumnElement[str]) -> ColumnElement[bool]:
        return and_(key > after, key <= last)

    kept = await tx.rows(_kept_query().where(mine(deferral.c.account_id)))
    lines = await tx.rows(_line_query(month).where(mine(invoice.c.account_id)))
    given_back = await tx.rows(_credit_query(month).where(mine(credit_note.c.account_id)))
    gifts = await tx.rows(_gift_query(month, mine(goodwill.c.account_id)))
    found = [replace(deferral_from(row), taken_of=_taken_of(row)) for row in kept]
    found += [one for row in lines if (one := _of_line(row))]
    found += _of_credits(given_back, gifts, month)
    return sorted(found, key=lambda one: one.account)


def _kept_query() -> Select[Any]:
    """Ask for what is deferred, and of which line what was taken is, in the order it was."""
    c, d = credit_line.c, deferral.c
    taken = deferral.outerjoin(credit_line, and_(c.note_id == d.document_id, c.n == d.n)).outerjoin(
        credit_note, credit_note.c.id == c.note_id
    )
    query = select(deferral, c.invoice_id, c.invoice_n).select_from(taken)
    return query.order_by(d.account_id, credit_note.c.sequence, d.n)


def _taken_of(row: Any) -> tuple[str, int] | None:
    return None if row.invoice_id is None else (row.invoice_id, row.invoice_n)


def _line_query(month: Period) -> Select[Any]:
    c, owner = invoice_line.c, invoice.c
    booked = deferred_on(owner.id, owner.issued_on).label("deferred_on")
    columns = (owner.account_id, owner.currency, c.invoice_id, c.n, c.net_minor)
    query = select(*columns, c.period_start, c.period_end, booked)
    return query.select_from(invoice.join(invoice_line, c.invoice_id == owner.id)).where(
        owner.issued_on >= month.start,
        owner.issued_on < month.end,
        c.period_end > month.end,
        c.kind != LineKind.DEPOSIT.value,
        c.net_minor != 0,
    )


def _of_line(row: Any) -> Deferral | None:
    if row.deferred_on is None or not is_deferred(row.period_end, row.deferred_on):
        return None
    return Deferral(
        document=row.invoice_id,
        n=row.n,
        account=AccountId(row.account_id),
        amount=Money(row.net_minor, row.currency),
        period=Period(row.period_start, row.period_end),
    )


def _credit_query(month: Period) -> Select[Any]:
    """Ask for what was given back in a month."""
    owner = credit_note.c
    return _credits(credit_line).where(owner.issued_on >= month.start, owner.issued_on < month.end)


def _gift_query(month: Period, mine: ColumnElement[bool]) -> Select[Any]:
    """Ask for all that was given back by then of lines that goodwill took of."""
    c, g = credit_line.c, goodwill.c
    gifts = select(g.invoice_id, g.invoice_n).where(mine).distinct().subquery()
    of = and_(gifts.c.invoice_id == c.invoice_id, gifts.c.invoice_n == c.invoice_n)
    return _credits(credit_line.join(gifts, of)).where(
        credit_note.c.issued_on < month.end, invoice_line.c.period_end > month.start
    )


def _credits(lines: FromClause) -> Select[Any]:
    c, owner, line = credit_line.c, credit_note.c, invoice_line.c
    joined = (
        lines.join(credit_note, c.note_id == owner.id)
        .join(invoice_line, and_(line.invoice_id == c.invoice_id, line.n == c.invoice_n))
        .join(invoice, invoice.c.id == c.invoice_id)
    )
    return (
        select(owner.account_id, owner.currency, owner.issued_on, owner.sequence)
        .add_columns(c.note_id, c.n, c.net_minor, c.period_start, c.period_end, c.goodwill_id)
        .add_columns(c.invoice_id, c.invoice_n, line.net_minor.label("charged_minor"))
        .add_columns(
            line.period_start.label("charged_from"), line.period_end.label("charged_until")
        )
        .add_columns(deferred_on(invoice.c.id, invoice.c.issued_on).label("deferred_on"))
        .add_columns(deferred_on(owner.id, owner.issued_on).label("taken_on"))
        .select_from(joined)
        .order_by(owner.sequence, c.n)
    )


def _of_credits(
    given_back: Sequence[Any], gifts: Sequence[Any], month: Period
) -> Iterator[Deferral]:
    """Tell what was taken in a month of what is deferred, by the whole story of each line."""
    stories: dict[tuple[str, int], list[Any]] = {}
    for row in gifts:
        stories.setdefault((row.invoice_id, row.invoice_n), []).append(row)
    for row in given_back:
        if (row.invoice_id, row.invoice_n) not in stories and row.goodwill_id is None:
            stories[row.note_id, row.n] = [row]
    for rows in stories.values():
        first = rows[0]
        if first.deferred_on is None:
            continue
        line = Deferred(
            period=Period(first.charged_from, first.charged_until),
            net=Money(first.charged_minor, first.currency),
            booked_on=first.deferred_on,
        )
        for row, part in zip(rows, parts_of(line, map(_back, rows)), strict=True):
            if part and row.issued_on in month:
                yield Deferral(
                    document=row.note_id,
                    n=row.n,
                    account=AccountId(row.account_id),
                    amount=-part.amount,
                    period=part.period,
                    taken_of=_taken_of(row),
                )


def _back(row: Any) -> Back:
    is_goodwill = row.goodwill_id is not None
    return Back(
        net=Money(row.net_minor, row.currency),
        period=Period(row.period_start, row.period_end),
        is_goodwill=is_goodwill,
        # What an older version gave took nothing of what is deferred.
        on=row.taken_on if is_goodwill else row.issued_on,
    )
