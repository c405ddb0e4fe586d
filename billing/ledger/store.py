"""Tables and SQL of the ledger. Entries go in first; the posting seals them.

The database refuses a posting whose entries do not balance, an entry for a posting that is sealed,
an entry that nobody seals, and every change (triggers of the migration).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Case,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    case,
    exists,
)

from billing.ledger.deferral import Deferral
from billing.ledger.model import Book, Posting
from runtime.store import LOOKS_AROUND, Instant, Tx, metadata
from terms.calendar import Period
from terms.ids import AccountId
from terms.money import Money

posting = Table(
    "posting",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("account_id", String(26), nullable=False),
    Column("posted_on", Date, nullable=False),
    Column("posted_at", Instant, nullable=False),
    Index(None, "account_id"),
    # It seals the entries that are there before.
    info={LOOKS_AROUND: True},
)

entry = Table(
    "entry",
    metadata,
    Column(
        "posting_id",
        String(40),
        ForeignKey("posting.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("n", Integer, primary_key=True),
    Column("book", String(16), nullable=False),
    Column("party", String(40), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
)

# Deferred revenue that is not earned to its end; a row is gone when it is.
deferral = Table(
    "deferral",
    metadata,
    Column("document_id", String(26), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("account_id", String(26), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("earned_minor", BigInteger, nullable=False),
    CheckConstraint("period_start < period_end", name="period_end"),
    Index(None, "account_id"),
)

# Months whose deferred revenue is earned, or being so: of all accounts up to this one.
earned_month = Table(
    "earned_month",
    metadata,
    Column("month", Date, primary_key=True),
    Column("account_id", String(26), nullable=False),
    Column("is_done", Boolean, nullable=False),
)


def deferred_on(document: ColumnElement[str], booked_on: ColumnElement[date]) -> Case[date]:
    """Tell when a document was booked, where some of its revenue is deferred; else nothing."""
    mine = (entry.c.posting_id == document, entry.c.book == Book.DEFERRED.value)
    return case((exists().where(*mine), booked_on))


def deferral_from(row: Any) -> Deferral:
    """Read a row of the table of deferrals."""
    return Deferral(
        document=row.document_id,
        n=row.n,
        account=AccountId(row.account_id),
        amount=Money(row.amount_minor, row.currency),
        period=Period(row.period_start, row.period_end),
        earned_minor=row.earned_minor,
    )


async def keep_deferrals(tx: Tx, deferrals: Sequence[Deferral]) -> None:
    """Write how deferrals stand; those that are earned to the end go."""
    rows = [
        {
            "document_id": one.document,
            "n": one.n,
            "account_id": one.account,
            "amount_minor": one.amount.amount_minor,
            "currency": one.amount.currency,
            "period_start": one.period.start,
            "period_end": one.period.end,
            "earned_minor": one.earned_minor,
        }
        for one in deferrals
    ]
    await tx.upsert(deferral, rows, key=("document_id", "n"))


async def write(tx: Tx, postings: Sequence[Posting]) -> None:
    """Write entries, then the postings that seal them."""
    await tx.insert(
        entry,
        [
            {
                "posting_id": one.id,
                "n": n,
                "book": side.book.value,
                "party": side.party,
                "amount_minor": side.amount.amount_minor,
                "currency": side.amount.currency,
            }
            for one in postings
            for n, side in enumerate(one.entries, 1)
        ],
    )
    await tx.insert(
        posting,
        [
            {
                "id": one.id,
                "kind": one.kind.value,
                "account_id": one.account,
                "posted_on": one.on,
                "posted_at": one.at,
            }
            for one in postings
        ],
    )
