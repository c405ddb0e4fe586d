"""Table of subscriptions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, String, Table

from billing.subscriptions.model import Activation, Subscription
from runtime.store import Instant, metadata
from terms.ids import ServiceId, SubscriptionId

subscription = Table(
    "subscription",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("offering", String(40), ForeignKey("offering.code"), nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    # Money may begin later than rights.
    Column("charged_from", Date, nullable=False),
    Column("activation", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
    CheckConstraint("charged_from >= from_on", name="charged_from"),
    Index(None, "service_id"),
)


def from_row(row: Any) -> Subscription:
    """Read a row of this table together with the day until which it is charged."""
    return Subscription(
        id=SubscriptionId(row.id),
        service=ServiceId(row.service_id),
        offering=row.offering,
        from_on=row.from_on,
        until_on=row.until_on,
        charged_from=row.charged_from,
        activation=Activation(row.activation),
        charged_until=row.charged_until or row.charged_from,
    )
