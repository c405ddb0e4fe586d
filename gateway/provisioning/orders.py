"""The journal for people: what was changed where, why, and how it ended. Rows only get finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import func, select

from gateway.provisioning.tables import service_order as table
from runtime.store import Tx
from terms.ids import ServiceId, TargetName

ERROR_CHARS_MAX = 2_000


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
    tx: Tx,
    *,
    orders_max: int,
    service: ServiceId | None = None,
    behind: str = "",
    before: datetime | None = None,
) -> list[ServiceOrder]:
    """List the newest lines, newest first, of one service or of all.

    Perhaps behind one id, or only what was over before an instant.
    """
    query = select(table).order_by(table.c.id.desc()).limit(orders_max)
    if behind:
        query = query.where(table.c.id < behind)
    if before is not None:
        over_at = func.coalesce(table.c.finished_at, table.c.started_at)
        query = query.where(over_at < before)
    if service is not None:
        query = query.where(table.c.service == service)
    return [from_row(row) for row in await tx.rows(query)]


def row_of(order: ServiceOrder) -> dict[str, Any]:
    """Make a row of `service_order`."""
    return {
        "id": order.id,
        "service": order.service,
        "target": order.target,
        "revision": order.revision,
        "what": fields_text(order.what),
        "outcome": order.outcome.value,
        "cause": order.cause,
        "started_at": order.started_at,
        "finished_at": order.finished_at,
        "error": storable(order.error) if order.error else None,
    }


def from_row(row: Any) -> ServiceOrder:
    """Read a row of `service_order`."""
    return ServiceOrder(
        id=row.id,
        service=ServiceId(row.service),
        target=TargetName(row.target),
        revision=row.revision,
        what=fields_of(row.what),
        outcome=Outcome(row.outcome),
        cause=row.cause,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
    )


def fields_text(fields: Mapping[str, tuple[str, str]]) -> str:
    """Write differences as text: {field: (held, wished)}."""
    try:
        return orjson.dumps(fields).decode()
    except TypeError:  # a target answered with something that is no text
        clean = {
            name: (storable(held), storable(wished)) for name, (held, wished) in fields.items()
        }
        return orjson.dumps(clean).decode()


def fields_of(text: str) -> dict[str, tuple[str, str]]:
    """Read what `fields_text` wrote."""
    return {name: (pair[0], pair[1]) for name, pair in orjson.loads(text).items()}


def storable(text: str) -> str:
    """Cut a text to its limit and take out what one engine or the other refuses to store."""
    cut = text[:ERROR_CHARS_MAX].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return cut.encode("utf-8", "replace").decode("utf-8")
