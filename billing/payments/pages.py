"""Pages to pay a debt on, at their providers: at most one of an account is handed out at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text, false, text

from runtime.store import Instant, metadata

pay_page = Table(
    "pay_page",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("vendor_id", String(120), nullable=False),
    Column("url", Text, nullable=False),
    # What it is to pay: `mark_of` what was owed.
    Column("debts", String(64), nullable=False),
    Column("expires_at", Instant, nullable=False),  # machine time
    # Nobody is to pay on it any more, and the provider has not been told so yet.
    Column("is_closing", Boolean, nullable=False, server_default=false()),
    Index(None, "account_id"),
    Index(
        "ix_pay_page_closing",
        "id",
        sqlite_where=text("is_closing"),
        postgresql_where=text("is_closing"),
    ),
)


def mark_of(rests: Iterable[tuple[str, int]]) -> str:
    """Mark what is owed, by invoice in minor units: the same of the same has the same mark."""
    told = " ".join(f"{invoice}:{rest}" for invoice, rest in sorted(rests))
    return hashlib.sha256(told.encode()).hexdigest()
