"""What scans found at the targets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from gateway.provisioning.findings import Found, from_row
from gateway.provisioning.tables import drift, wish
from runtime.store import Tx
from runtime.store.keyset import Place, page
from terms.ids import TargetName


async def open_drift(
    tx: Tx, *, rows_max: int, target: TargetName | None = None, behind: Place | None = None
) -> list[Found]:
    """List what is not repaired yet, the newest first, perhaps behind one (found_at, id)."""
    query = _drift().where(drift.c.repaired_at.is_(None))
    return await _listed(tx, query, rows_max, target, behind)


async def latest(
    tx: Tx, *, rows_max: int, target: TargetName | None = None, behind: Place | None = None
) -> list[Found]:
    """List what was found, repaired or not, the newest first, perhaps behind one."""
    return await _listed(tx, _drift(), rows_max, target, behind)


async def counts(tx: Tx) -> dict[TargetName, int]:
    """Count what is open at each target."""
    query = (
        select(drift.c.target, func.count().label("open"))
        .where(drift.c.repaired_at.is_(None))
        .group_by(drift.c.target)
    )
    return {TargetName(row.target): row.open for row in await tx.rows(query)}


def _drift() -> Select[Any]:
    of = (wish.c.subject == drift.c.subject) & (wish.c.target == drift.c.target)
    return select(drift, wish.c.service).select_from(drift.outerjoin(wish, of))


async def _listed(
    tx: Tx, query: Select[Any], rows_max: int, target: TargetName | None, behind: Place | None
) -> list[Found]:
    if target is not None:
        query = query.where(drift.c.target == target)
    ordered = page(query, (drift.c.found_at, drift.c.id), behind, rows_max)
    return [from_row(row) for row in await tx.rows(ordered)]
