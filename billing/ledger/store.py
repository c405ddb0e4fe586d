"""Tables and SQL of the ledger. Entries go in first; the posting seals them.

The database refuses a posting whose entries do not balance, an entry for a posting that is sealed,
an entry that nobody seals, and every change (triggers of the migration).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, String, Table

from billing.ledger.model import Posting
from runtime.store import Instant, Tx, metadata

posting = Table(
    "posting",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("account_id", String(26), nullable=False),
    Column("posted_on", Date, nullable=False),
    Column("posted_at", Instant, nullable=False),
    Index(None, "account_id"),
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
