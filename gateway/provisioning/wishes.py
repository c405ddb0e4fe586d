"""Wishes as stored: what each target should hold for each service, and why some could not be made.

Both tables are derived: deleted, they come back from entitlements, boxes, keys and routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, select

from gateway.adapters.state import ViewerState
from gateway.provisioning.compose import Before, Wish
from gateway.provisioning.tables import observed, wish, wish_problem
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.entitlement import ServiceState
from terms.ids import ServiceId, SubjectId, TargetName

_W = wish.c
COLUMNS = (_W.subject, _W.target, _W.service, _W.revision, _W.state, _W.value, _W.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A stored wish, and the revision that its target was last seen to fulfil; 0 for none."""

    before: Before
    proven: int

    @property
    def is_proven(self) -> bool:
        """Whether the target was seen to hold just this."""
        return self.proven == self.before.revision


Place = tuple[SubjectId, TargetName]


@dataclass(slots=True)
class Standings:
    """How the wishes of one service stand: of the service itself by target, of its boxes."""

    accounts: dict[TargetName, Standing] = field(default_factory=dict)
    boxes: dict[Place, Standing] = field(default_factory=dict)

    def unproven(self) -> Iterator[tuple[SubjectId | None, TargetName]]:
        """List what its target was not seen to hold yet; None is the service itself."""
        yield from ((None, target) for target, one in self.accounts.items() if not one.is_proven)
        yield from (place for place, one in self.boxes.items() if not one.is_proven)


async def standing(tx: Tx, services: Sequence[str]) -> dict[ServiceId, Standings]:
    """Read how the wishes of services stand."""
    rows = await _STANDING.rows(tx, {KEYS: packed(tx.engine, services)})
    found: dict[ServiceId, Standings] = {}
    for row in rows:
        one = _stands(row)
        of_service = found.setdefault(row.service, Standings())
        if row.subject == row.service:
            of_service.accounts[row.target] = one
        else:
            of_service.boxes[row.subject, row.target] = one
    return found


async def of_boxes(tx: Tx, subjects: Iterable[str]) -> dict[Place, Standing]:
    """Read how the wishes of boxes stand, whoever holds them."""
    rows = await _OF_BOXES.rows(tx, {KEYS: packed(tx.engine, subjects)})
    return {(row.subject, row.target): _stands(row) for row in rows}


async def unproven_boxes(tx: Tx, services: Iterable[str]) -> dict[TargetName, list[str]]:
    """Find the boxes of services that do not hold their wish yet, by target."""
    found: dict[TargetName, list[str]] = {}
    for row in await _UNPROVEN_BOXES.rows(tx, {KEYS: packed(tx.engine, services)}):
        found.setdefault(row.target, []).append(row.subject)
    return found


async def drop(tx: Tx, places: Sequence[Place]) -> None:
    """Forget wishes of boxes that another target drives now; nothing is asked of the old one."""
    for subject, target in places:
        await tx.execute(delete(wish).where(_W.subject == subject, _W.target == target))


async def of_service(tx: Tx, service: ServiceId) -> list[Wish]:
    """Read the wishes of one service, in order of targets."""
    query = select(*COLUMNS).where(_W.service == service).order_by(_W.target, _W.ref)
    return [from_row(row) for row in await tx.rows(query)]


async def of_refs(tx: Tx, target: TargetName, refs: Iterable[str]) -> dict[str, Wish]:
    """Read wishes of one target, by our key there."""
    rows = await _OF_REFS.rows(tx, {"target": target, KEYS: packed(tx.engine, refs)})
    wishes = (from_row(row) for row in rows)
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
            "subject": one.subject,
            "target": one.target,
            "service": one.service,
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
    await tx.upsert(wish, rows, key=("subject", "target"))


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
    gone = delete(wish_problem).where(among(tx.engine, c.service))
    await tx.execute(gone, {KEYS: packed(tx.engine, stale)})
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
        subject=SubjectId(row.subject),
        target=TargetName(row.target),
        service=ServiceId(row.service),
        revision=row.revision,
        state=ServiceState(row.state),
        value=ViewerState.decode(row.value, revision=row.revision),
        text=row.value,
        cause=row.cause,
    )


def _stands(row: Any) -> Standing:
    before = Before(
        revision=row.revision, ref=row.ref, text=row.value, service=ServiceId(row.service)
    )
    return Standing(before=before, proven=row.proven or 0)


def _standing(engine: Engine) -> Select[Any]:
    return _all_standing().where(among(engine, _W.service))


def _of_boxes(engine: Engine) -> Select[Any]:
    return _all_standing().where(among(engine, _W.subject))


def _all_standing() -> Select[Any]:
    there = and_(observed.c.subject == _W.subject, observed.c.target == _W.target)
    columns = (
        _W.subject,
        _W.target,
        _W.service,
        _W.revision,
        _W.ref,
        _W.value,
        observed.c.revision.label("proven"),
    )
    joined = wish.outerjoin(observed, there)
    return select(*columns).select_from(joined)


def _unproven_boxes(engine: Engine) -> Select[Any]:
    there = and_(observed.c.subject == _W.subject, observed.c.target == _W.target)
    proven = func.coalesce(observed.c.revision, 0)
    return (
        select(_W.subject, _W.target)
        .select_from(wish.outerjoin(observed, there))
        .where(among(engine, _W.service), _W.subject != _W.service, proven != _W.revision)
    )


def _of_refs(engine: Engine) -> Select[Any]:
    at_target = _W.target == bindparam("target")
    return select(*COLUMNS).where(at_target, among(engine, _W.ref))


def _problems(engine: Engine) -> Select[Any]:
    return select(wish_problem).where(among(engine, wish_problem.c.service))


_STANDING = PreparedQuery(_standing)
_OF_BOXES = PreparedQuery(_of_boxes)
_OF_REFS = PreparedQuery(_of_refs)
_UNPROVEN_BOXES = PreparedQuery(_unproven_boxes)
_PROBLEMS = PreparedQuery(_problems)
