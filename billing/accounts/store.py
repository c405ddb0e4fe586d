"""Tables and SQL of customers, accounts and services."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)

from billing.accounts.finding import TERM_CHARS_MAX
from runtime.store import Instant, metadata

customer = Table(
    "customer",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("email", String(254), nullable=False),
    Column("created_at", Instant, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("number", String(40), nullable=False, unique=True),
    Column("customer_id", String(26), ForeignKey("customer.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("bill_day", Integer, nullable=False),
    Column("terms_days", Integer, nullable=False),
    Column("jurisdiction", String(10), nullable=False, server_default=text("''")),
    Column("created_at", Instant, nullable=False),
    # What settling has to look for, as bits (model.Perk).
    Column("perks", Integer, nullable=False, server_default="0"),
    # Whose rules its debts follow (billing/dunning/segment.py).
    Column("segment", String(40), nullable=False, server_default=text("''")),
    # The last renewal of which was told that its wallet does not cover it.
    Column("warned_of", Date),
    CheckConstraint("bill_day BETWEEN 1 AND 31", name="bill_day"),
    CheckConstraint("terms_days >= 0", name="terms_days"),
    Index(None, "customer_id"),
)

service = Table(
    "service",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("contract", String(40), nullable=False, unique=True),
    Column("label", String(120), nullable=False),
    Column("streams", Integer, nullable=False),
    Column("devices", Integer, nullable=False),
    # Of the last entitlement ever issued; it outlives the snapshot.
    Column("revision", Integer, nullable=False),
    # Before this day another system has charged the service.
    Column("billed_until", Date),
    Column("created_at", Instant, nullable=False),
    Index(None, "account_id"),
)

# Compared character by character, so that a beginning is a range of the index.
_TERM = String(TERM_CHARS_MAX)
_TERM_EXACT = _TERM.with_variant(String(TERM_CHARS_MAX, collation="C"), "postgresql")

search_term = Table(
    "search_term",
    metadata,
    Column("service_id", String(26), ForeignKey("service.id"), primary_key=True),
    Column("term", _TERM_EXACT, primary_key=True),
    Index(None, "term"),
)
