"""Wishes as stored: what each target should hold for each service, and why some could not be made.

Both tables are derived: deleted, they come back from entitlements, boxes, keys and routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, select

from gateway.adapters.state import ViewerState
from gateway.provisioning.compose import Before, Wish
from gateway.provisioning.tables import observed, wish, wish_problem
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.entitlement import ServiceState
from terms.ids import ServiceId, TargetName

_W = wish.c
COLUMNS = (_W.service, _W.target, _W.revision, _W.state, _W.value, _W.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A stored wish, and the revision that its target was last seen to fulfil; 0 for none."""

    before: Before
    proven: int


Standings = dict[TargetName, Standing]


async def standing(tx: Tx, services: Sequence[str]) -> dict[ServiceId, Standings]:
    """Read how the wishes of services stand, by target."""
    rows = await _STANDING.rows(tx, {KEYS: packed(tx.engine, services)})
    found: dict[ServiceId, Standings] = {}
    for row in rows:
        before = Before(revision=row.revision, ref=row.ref, text=row.value)
        by_target = found.setdefault(row.service, {})
        by_target[row.target] = Standing(before=before, proven=row.proven or 0)
    return found


async def of_service(tx: Tx, service: ServiceId) -> list[Wish]:
    """Read the wishes of one service, in order of targets."""
    query = select(*COLUMNS).where(_W.service == service).order_by(_W.target)
    return [from_row(row) for row in await tx.rows(query)]


async def of_refs(tx: Tx, target: TargetName, refs: Iterable[str]) -> dict[str, Wish]:
    """Read wishes of one target, by our key there."""
    query = select(*COLUMNS).where(_W.target == target, among(tx.engine, _W.ref))
    wishes = (from_row(row) for row in await tx.rows(query, {KEYS: packed(tx.engine, refs)}))
    return {one.value.ref: one for one in wishes}


async def after_ref(tx: Tx, target: TargetName, ref: str, *, wishes_max: int) -> list[Wish]:
    """List the wishes of one target behind a key, in order of keys: all of them in pages."""
    query = select(*COLUMNS).where(_W.target == target, _W.ref > ref)
    query = query.order_by(_W.ref).limit(wishes_max)
    return [from_row(row) for row in await tx.rows(query)]


async def write(tx: Tx, wishes: Sequence[Wish], *, now: datetime) -> None:
    """Store wishes over those before."""
    rows = [
        {
            "service": one.service,
            "target": one.target,
            "ref": one.value.ref,
            "revision": one.revision,
            "value": one.text,
            "state": one.state.value,
            "enabled": one.value.enabled,
            "cause": one.cause,
            "updated_at": now,
        }
        for one in wishes
    ]
    await tx.upsert(wish, rows, key=("service", "target"))


async def write_problems(
    tx: Tx,
    services: Sequence[str],
    problems: Mapping[ServiceId, Mapping[TargetName, str]],
    *,
    now: datetime,
) -> int:
    """Replace what is known about why wishes of these services could not be composed.

    Returns how many problems are new.
    """
    c = wish_problem.c
    rows = await _PROBLEMS.rows(tx, {KEYS: packed(tx.engine, services)})
    known = {(row.service, row.target): row for row in rows}
    wanted = {
        (service, target): reason
        for service, by_target in problems.items()
        for target, reason in by_target.items()
    }
    stands = {key for key, row in known.items() if wanted.get(key) == row.reason}
    stale = sorted({service for service, _ in (known.keys() | wanted.keys()) - stands})
    if not stale:
        return 0
    await tx.execute(delete(wish_problem).where(c.service.in_(stale)))
    made = [
        {
            "service": service,
            "target": target,
            "reason": reason,
            "found_at": known[service, target].found_at if (service, target) in stands else now,
        }
        for (service, target), reason in wanted.items()
        if service in stale
    ]
    await tx.insert(wish_problem, made)
    return len(wanted.keys() - stands)


def from_row(row: Any) -> Wish:
    """Read a row of `wish`."""
    return Wish(
        service=ServiceId(row.service),
        target=TargetName(row.target),
        revision=row.revision,
        state=ServiceState(row.state),
        value=ViewerState.decode(row.value, revision=row.revision),
        text=row.value,
        cause=row.cause,
    )


def _standing(engine: Engine) -> Select[Any]:
    there = and_(observed.c.service == _W.service, observed.c.target == _W.target)
    columns = (
        _W.service,
        _W.target,
        _W.revision,
        _W.ref,
        _W.value,
        observed.c.revision.label("proven"),
    )
    joined = wish.outerjoin(observed, there)
    return select(*columns).select_from(joined).where(among(engine, _W.service))


def _problems(engine: Engine) -> Select[Any]:
    return select(wish_problem).where(among(engine, wish_problem.c.service))


_STANDING = PreparedQuery(_standing)
_PROBLEMS = PreparedQuery(_problems)
