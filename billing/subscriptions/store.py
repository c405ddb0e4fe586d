"""Table of subscriptions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table

from billing.subscriptions.model import Activation, Pause, Subscription
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
    Column("quantity", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
    CheckConstraint("charged_from >= from_on", name="charged_from"),
    CheckConstraint("quantity > 0", name="quantity"),
    Index(None, "service_id"),
)

pause = Table(
    "pause",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
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
        quantity=row.quantity,
    )


def pause_from(row: Any) -> Pause:
    """Read a row of the table of pauses."""
    return Pause(
        id=row.id,
        service=ServiceId(row.service_id),
        from_on=row.from_on,
        until_on=row.until_on,
    )
