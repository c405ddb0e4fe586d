"""Postings in the order of their ids, a page at a time: any number of them in little memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select

from billing.accounts.store import account
from billing.ledger.model import Book, Entry
from billing.ledger.store import entry, posting
from runtime.store import Tx
from terms.money import Money

POSTINGS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A posting as it stands in the books, with the number of its account."""

    id: str
    kind: str
    account: str
    on: date
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which postings: booked from a day on, up to and including another; all where none is said."""

    since: date | None = None
    until: date | None = None


async def page(tx: Tx, span: Span, after: str) -> list[Written]:
    """Read the postings behind an id."""
    p, e = posting.c, entry.c
    number = func.coalesce(account.c.number, p.account_id).label("number")
    query = select(p.id, p.kind, p.posted_on, number).select_from(
        posting.outerjoin(account, account.c.id == p.account_id)
    )
    query = query.where(p.id > after).order_by(p.id).limit(POSTINGS_AT_ONCE)
    if span.since:
        query = query.where(p.posted_on >= span.since)
    if span.until:
        query = query.where(p.posted_on <= span.until)
    found = {
        row.id: Written(id=row.id, kind=row.kind, account=row.number, on=row.posted_on)
        for row in await tx.rows(query)
    }
    if not found:
        return []
    sides = select(entry).where(e.posting_id > after, e.posting_id <= max(found))
    for row in await tx.rows(sides.order_by(e.posting_id, e.n)):
        if row.posting_id in found:
            amount = Money(row.amount_minor, row.currency)
            side = Entry(book=Book(row.book), party=row.party, amount=amount)
            found[row.posting_id].entries.append(side)
    return list(found.values())
