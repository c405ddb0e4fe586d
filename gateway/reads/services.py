"""One service as the gateway sees it: what each target should hold and was seen to hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from gateway.adapters.state import ViewerState
from gateway.inventory import store as inventory
from gateway.inventory.model import Resource
from gateway.provisioning.compose import EVERY_TARGET
from gateway.provisioning.keys import RECONCILE
from gateway.provisioning.tables import observed, wish, wish_problem
from runtime.store import Tx, from_micros
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import work
from terms.entitlement import ServiceState
from terms.ids import ServiceId, SubjectId, TargetName


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The service's row in the queue. `parked_at` is set where it was set aside."""

    attempts: int
    error: str
    marked_at: datetime
    parked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTarget:
    """One service, or one box of it, at one target; proven when that revision was seen there."""

    target: TargetName
    subject: SubjectId
    ref: str
    wished: ViewerState
    state: ServiceState
    cause: str
    revision: int
    held: ViewerState | None
    proven_revision: int
    seen_at: datetime | None
    waiting: Waiting | None

    @property
    def is_proven(self) -> bool:
        """Whether the target was seen to hold the wish, and nothing is left to do."""
        return self.revision == self.proven_revision and self.waiting is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All the gateway knows of one service. `problems` say why a wish cannot be made."""

    service: ServiceId
    targets: Sequence[AtTarget]
    boxes: Sequence[Resource]
    problems: Sequence[str]


async def overview(tx: Tx, service: ServiceId) -> Overview:
    """Show one service; empty for one the gateway does not know."""
    return (await overviews(tx, [service]))[service]


async def overviews(tx: Tx, services: Sequence[ServiceId]) -> dict[ServiceId, Overview]:
    """Show several services at once."""
    boxes = await inventory.by_service(tx, services)
    problems = await _problems(tx, services)
    at: dict[ServiceId, list[AtTarget]] = {}
    for row in await _WISHES.rows(tx, {KEYS: packed(tx.engine, services)}):
        at.setdefault(ServiceId(row.service), []).append(_at_target(row))
    return {
        one: Overview(
            service=one,
            targets=at.get(one, ()),
            boxes=boxes.get(one, ()),
            problems=problems.get(one, ()),
        )
        for one in services
    }


async def lit(tx: Tx, services: Iterable[ServiceId]) -> set[ServiceId]:
    """Tell which of these services a target was seen to have switched on, when it was seen last."""
    is_lit = among(tx.engine, observed.c.subject) & observed.c.enabled
    query = select(observed.c.subject).where(is_lit).distinct()
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(services)))})
    return {ServiceId(row.subject) for row in rows}


def _wished(engine: Engine) -> Select[Any]:
    key = wish.c.subject + "@" + wish.c.target
    return (
        select(
            wish,
            observed.c.value.label("held"),
            observed.c.revision.label("proven"),
            observed.c.seen_at,
            work.c.attempts,
            work.c.error,
            work.c.marked_at,
            work.c.parked_at,
        )
        .select_from(
            wish.outerjoin(
                observed,
                (observed.c.subject == wish.c.subject) & (observed.c.target == wish.c.target),
            ).outerjoin(work, (work.c.kind == RECONCILE) & (work.c.key == key))
        )
        .where(among(engine, wish.c.service))
        .order_by(wish.c.target, wish.c.ref)
    )


def _refused(engine: Engine) -> Select[Any]:
    query = select(wish_problem).where(among(engine, wish_problem.c.service))
    return query.order_by(wish_problem.c.target)


_WISHES = PreparedQuery(_wished)
_PROBLEMS = PreparedQuery(_refused)


async def _problems(tx: Tx, services: Sequence[ServiceId]) -> dict[ServiceId, list[str]]:
    found: dict[ServiceId, list[str]] = {}
    for row in await _PROBLEMS.rows(tx, {KEYS: packed(tx.engine, services)}):
        told = row.reason if row.target == EVERY_TARGET else f"{row.target}: {row.reason}"
        found.setdefault(ServiceId(row.service), []).append(told)
    return found


def _at_target(row: Any) -> AtTarget:
    waiting = None
    if row.marked_at is not None:
        waiting = Waiting(
            attempts=row.attempts,
            error=row.error or "",
            marked_at=from_micros(row.marked_at),
            parked_at=from_micros(row.parked_at) if row.parked_at is not None else None,
        )
    return AtTarget(
        target=TargetName(row.target),
        subject=SubjectId(row.subject),
        ref=row.ref,
        wished=ViewerState.decode(row.value, revision=row.revision),
        state=ServiceState(row.state),
        cause=row.cause,
        revision=row.revision,
        held=ViewerState.decode(row.held, revision=row.proven) if row.held else None,
        proven_revision=row.proven or 0,
        seen_at=row.seen_at,
        waiting=waiting,
    )
