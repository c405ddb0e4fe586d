"""Tables of usage: every record that was ever told, and the total it counts in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
)

from billing.usage.model import Record, UsageTotal
from runtime.store import Instant, metadata
from terms.calendar import Period
from terms.ids import AccountId, ServiceId, SubscriptionId

usage_record = Table(
    "usage_record",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("source_id", String(80), primary_key=True),
    Column("contract", String(40), nullable=False),
    Column("meter", String(40), nullable=False),
    Column("quantity_micro", BigInteger, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    # Why it waits.
    Column("reason", String(16), nullable=False),
    # The total it counts in.
    Column("total_id", String(40)),
    CheckConstraint("quantity_micro >= 0", name="quantity_micro"),
    CheckConstraint("(state = 'counted') = (total_id IS NOT NULL)", name="total_id"),
    Index(None, "state", "contract"),
    Index(None, "total_id"),
)

usage_total = Table(
    "usage_total",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("subscription_id", String(26), ForeignKey("subscription.id"), nullable=False),
    Column("offering", String(40), nullable=False),
    Column("meter", String(40), nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("quantity_micro", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    # What all of it costs beyond what is committed, as it was rated last.
    Column("rated_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    CheckConstraint("period_start < period_end", name="period_end"),
    CheckConstraint("quantity_micro >= 0 AND events >= 0", name="quantity_micro"),
    Index(None, "service_id", "period_end"),
)


def record_from(row: Any) -> Record:
    """Read a row of the table of records."""
    return Record(
        source=row.source,
        id=row.source_id,
        contract=row.contract,
        meter=row.meter,
        quantity_micro=row.quantity_micro,
        used_at=row.used_at,
    )


def total_from(row: Any) -> UsageTotal:
    """Read a row of the table of totals."""
    return UsageTotal(
        id=row.id,
        account=AccountId(row.account_id),
        service=ServiceId(row.service_id),
        subscription=SubscriptionId(row.subscription_id),
        offering=row.offering,
        meter=row.meter,
        period=Period(row.period_start, row.period_end),
        quantity_micro=row.quantity_micro,
        events=row.events,
    )
