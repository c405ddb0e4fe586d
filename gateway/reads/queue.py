"""What is left to do, by kind and target, and what was set aside with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, and_, case, func, literal, select

from gateway.provisioning.compose import EVERY_TARGET
from gateway.provisioning.keys import COMPOSE, RECONCILE, key_of, parts_of
from gateway.provisioning.tables import wish, wish_problem
from runtime.store import Tx, from_micros, to_micros
from runtime.store.keyset import Place, exact, page
from runtime.work import work
from terms.ids import ServiceId, TargetName

_C = work.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The rows of one kind at one target. `waiting` are not due yet or in back-off."""

    kind: str
    target: TargetName
    due: int
    running: int
    waiting: int
    parked: int
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Something set aside. `releasable` rows may be tried again as they are; the others are
    composed anew by themselves once their cause is mended.
    """

    kind: str
    key: str
    service: ServiceId | None
    target: TargetName
    reason: str
    since: datetime
    releasable: bool

    @property
    def place(self) -> Place:
        """Tell where it stands in the list."""
        return self.since, self.kind, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Which of what was set aside: of one kind, at one target; whatever is empty is all."""

    kind: str = ""
    target: str = ""


EVERYTHING = Only()


async def queues(tx: Tx, *, now: datetime, offset: timedelta) -> list[Queue]:
    """Count the rows of every kind and target; `now` is machine time, `offset` business ahead.

    Of rows that wait for a person there are few: they have an index of their own, and all others
    come along another one, kind by kind.
    """
    at = to_micros(now)
    ahead = offset // timedelta(microseconds=1)
    running = _C.lease_until > at
    due = and_(_C.lease_until <= at, _C.not_before <= at, _C.due_at <= at + ahead)
    # What was only scheduled waits since its time came, not since somebody said when that is.
    came_at = _C.due_at - ahead
    is_due_since = and_(_C.is_scheduled == 1, came_at > _C.marked_at)
    since = case((is_due_since, came_at), else_=_C.marked_at)
    open_ = _by_lane(
        _count(due).label("due"),
        _count(running).label("running"),
        func.min(case((due, since))).label("oldest"),
    ).where(_C.parked_at.is_(None))
    found = {_lane(row): row for row in await tx.rows(open_)}
    # Asked for as a span, so that SQLite goes by their own index, and not through all in order.
    aside = await tx.rows(_by_lane().where(_C.parked_at > 0))
    parked = {_lane(row): int(row.rows) for row in aside}
    return [
        _queue(lane, found.get(lane), parked.get(lane, 0), at)
        for lane in sorted(found.keys() | parked.keys())
    ]


async def parked(
    tx: Tx, *, rows_max: int, behind: Place | None = None, only: Only = EVERYTHING
) -> list[Parked]:
    """List what was set aside, the newest first: rows of work and wishes that cannot be made.

    Perhaps behind one (since, kind, key).
    """
    # The subject of a wish may be a box; people ask for the household.
    subject = func.substr(_C.key, 1, func.length(_C.key) - func.length(_C.target) - 1)
    of = and_(_C.kind == RECONCILE, wish.c.target == _C.target, wish.c.subject == subject)
    query = select(_C.kind, _C.key, _C.target, _C.error, _C.parked_at, wish.c.service)
    query = query.select_from(work.outerjoin(wish, of))
    query = query.where(_C.parked_at.is_not(None), *_of(only, _C.target))
    if only.kind:
        query = query.where(_C.kind == only.kind)
    place = (_C.parked_at, exact(tx.engine, _C.kind), exact(tx.engine, _C.key))
    since = (to_micros(behind[0]), *behind[1:]) if behind else None
    found = [_row(row) for row in await tx.rows(page(query, place, since, rows_max))]
    if only.kind in {"", COMPOSE}:
        problems = _problems(tx, behind, rows_max, only)
        found += [_problem(row) for row in await tx.rows(problems)]
    return sorted(found, key=lambda one: one.place, reverse=True)[:rows_max]


async def cause_of(tx: Tx, kind: str, key: str) -> tuple[str, str] | None:
    """Tell at which target a row was set aside and for which reason; None where it was not."""
    query = select(_C.target, _C.error).where(
        _C.kind == kind, _C.key == key, _C.parked_at.is_not(None)
    )
    row = await tx.first(query)
    return (row.target, row.error) if row else None


async def parked_for(tx: Tx, kind: str, target: str, reason: str, *, keys_max: int) -> list[str]:
    """List the keys of work of one kind, at one target, that was set aside for one reason."""
    query = select(_C.key).where(
        _C.kind == kind, _C.target == target, _C.error == reason, _C.parked_at.is_not(None)
    )
    return [row.key for row in await tx.rows(query.order_by(_C.parked_at).limit(keys_max))]


def _of(only: Only, column: Any) -> list[Any]:
    return [column == only.target] if only.target else []


def _problems(tx: Tx, behind: Place | None, rows_max: int, only: Only) -> Select[Any]:
    """Find wishes that cannot be made, by the keys under which they are shown."""
    c = wish_problem.c
    on_one = c.service.concat("@").concat(c.target)
    key = case((c.target == EVERY_TARGET, c.service), else_=on_one)
    place = (c.found_at, exact(tx.engine, literal(COMPOSE, String)), exact(tx.engine, key))
    query = select(wish_problem).where(*_of(only, c.target))
    return page(query, place, behind, rows_max)


def _count(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _by_lane(*columns: Any) -> Select[Any]:
    query = select(_C.kind, _C.target, func.count().label("rows"), *columns)
    return query.group_by(_C.kind, _C.target)


def _lane(row: Any) -> tuple[str, TargetName]:
    return row.kind, TargetName(row.target)


def _queue(lane: tuple[str, TargetName], row: Any, parked: int, now_micros: int) -> Queue:
    kind, target = lane
    if row is None:
        return Queue(
            kind=kind, target=target, due=0, running=0, waiting=0, parked=parked, oldest_s=0.0
        )
    age_s = (now_micros - row.oldest) / 1_000_000 if row.oldest is not None else 0.0
    return Queue(
        kind=kind,
        target=target,
        due=int(row.due),
        running=int(row.running),
        waiting=int(row.rows - row.due - row.running),
        parked=parked,
        oldest_s=max(age_s, 0.0),
    )


def _row(row: Any) -> Parked:
    service: ServiceId | None = None
    if row.kind == RECONCILE:
        service = ServiceId(row.service or parts_of(row.key)[0])
    elif row.kind == COMPOSE:
        service = ServiceId(row.key)
    return Parked(
        kind=row.kind,
        key=row.key,
        service=service,
        target=TargetName(row.target),
        reason=row.error or "",
        since=from_micros(row.parked_at),
        releasable=True,
    )


def _problem(row: Any) -> Parked:
    on_all = row.target == EVERY_TARGET
    return Parked(
        kind=COMPOSE,
        key=row.service if on_all else key_of(row.service, row.target),
        service=ServiceId(row.service),
        target=TargetName(row.target),
        reason=row.reason,
        since=row.found_at,
        releasable=False,
    )
