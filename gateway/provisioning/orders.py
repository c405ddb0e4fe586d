"""The journal for people: what was changed where, why, and how it ended. Rows only get finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from gateway.provisioning.tables import service_order as table
from runtime.store import Tx
from terms.ids import ServiceId, TargetName


class Outcome(StrEnum):
    """How an order ended, or that it has not yet."""

    OPEN = "open"  # begun; nothing is known of its end
    DONE = "done"  # seen at the target
    PENDING = "pending"  # accepted there, not seen yet
    PARKED = "parked"  # set aside with its reason
    FAILED = "failed"  # the target refused it; nothing happened
    UNKNOWN = "unknown"  # the answer was lost; it is not repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOrder:
    """One line of the journal. `what` is {field: (held before, wished)}."""

    id: str
    service: ServiceId
    target: TargetName
    revision: int
    what: Mapping[str, tuple[str, str]]
    outcome: Outcome
    cause: str
    started_at: datetime
    finished_at: datetime | None
    error: str | None


async def latest(
    tx: Tx, *, orders_max: int, service: ServiceId | None = None
) -> list[ServiceOrder]:
    """List the newest lines, newest first, of one service or of all."""
    query = select(table).order_by(table.c.started_at.desc(), table.c.id.desc())
    if service is not None:
        query = query.where(table.c.service == service)
    return [from_row(row) for row in await tx.rows(query.limit(orders_max))]


def from_row(row: Any) -> ServiceOrder:
    """Read a row of `service_order`."""
    return ServiceOrder(
        id=row.id,
        service=ServiceId(row.service),
        target=TargetName(row.target),
        revision=row.revision,
        what={field: (pair[0], pair[1]) for field, pair in json.loads(row.what).items()},
        outcome=Outcome(row.outcome),
        cause=row.cause,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
    )
