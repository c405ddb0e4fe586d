"""Tables of rentals, of the facts that were heard, and of the operator's policy.

A rental's id is derived from the fact that began it. An ended rental without an `ending` is of a
time when nothing followed from it; it stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
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
    select,
)

from billing.equipment.model import Ending, Rental, Starts
from runtime.store import Tx, metadata
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
    Column("ending", String(16)),
    # What a person decided to keep of the deposit; none where nobody has.
    Column("kept_minor", BigInteger),
    CheckConstraint("until_on IS NULL OR until_on >= from_on", name="until_on"),
    CheckConstraint("charged_from >= from_on", name="charged_from"),
    Index(None, "service_id"),
    Index(None, "resource_id"),
)

possession_heard = Table(
    "possession_heard",
    metadata,
    Column("id", String(40), primary_key=True),
)

rental_policy = Table(
    "rental_policy",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("starts", String(16), nullable=False),
)


def from_row(row: Any, charged_until: date | None = None) -> Rental:
    """Read a row of this table."""
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
        ending=Ending(row.ending) if row.ending else None,
        kept_minor=row.kept_minor,
        charged_until=charged_until,
    )


async def keep(tx: Tx, rentals: Collection[Rental]) -> None:
    """Write rentals, new or changed."""
    rows = [
        {
            "id": one.id,
            "service_id": one.service,
            "resource_id": one.resource,
            "serial": one.serial,
            "model": one.model,
            "offering": one.offering,
            "from_on": one.from_on,
            "until_on": one.until_on,
            "charged_from": one.charged_from,
            "ending": one.ending.value if one.ending else None,
            "kept_minor": one.kept_minor,
        }
        for one in rentals
    ]
    await tx.upsert(rental, rows, key=("id",))


async def load_starts(tx: Tx) -> Starts:
    """Tell when rentals begin; with the hand-over where nothing was published."""
    c = rental_policy.c
    found = await tx.scalar(select(c.starts).where(c.id == 1))
    return Starts(found) if found else Starts.HAND_OVER


async def keep_starts(tx: Tx, starts: Starts) -> None:
    """Publish when rentals begin."""
    await tx.upsert(rental_policy, [{"id": 1, "starts": starts.value}], key=("id",))
