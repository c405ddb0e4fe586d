"""Table of rentals. A rental's id is derived from the fact that began it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, String, Table

from billing.equipment.model import Rental
from runtime.store import metadata
from terms.ids import ResourceId, ServiceId

rental = Table(
    "rental",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("service_id", String(26), ForeignKey("service.id"), nullable=False),
    Column("resource_id", String(80), nullable=False),
    Column("serial", String(80), nullable=False),
    Column("model", String(80), nullable=False),
    Column("offering", String(40), ForeignKey("offering.code"), nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("charged_from", Date, nullable=False),
    # The fact that ended it, so that hearing it again ends no later rental.
    Column("ended_by", String(40)),
    CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
    CheckConstraint("charged_from >= from_on", name="charged_from"),
    Index(None, "service_id"),
    Index(None, "resource_id"),
    Index(None, "ended_by"),
)


def from_row(row: Any) -> Rental:
    """Read a row of this table together with `open_from` of its open period."""
    return Rental(
        id=row.id,
        service=ServiceId(row.service_id),
        resource=ResourceId(row.resource_id),
        serial=row.serial,
        model=row.model,
        offering=row.offering,
        from_on=row.from_on,
        until_on=row.until_on,
        charged_from=row.charged_from,
        open_from=row.open_from or row.charged_from,
    )
