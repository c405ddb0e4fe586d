"""The tables of boxes and of what happened to them, and reading them.

Writing is the business of the flows beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Date, Index, Integer, Select, String, Table, and_, or_, select

from gateway.inventory.model import HELD, SHELVED, WAREHOUSE, Resource, ResourceState
from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.facts import Condition
from terms.ids import ResourceId, ServiceId

resource = Table(
    "resource",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("serial", String(64), nullable=False, unique=True),
    Column("mac", String(17), unique=True),
    Column("model", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("service", String(40), index=True),
    Column("place", String(80), nullable=False, server_default=WAREHOUSE),
    Column("condition", String(16)),
    Column("moves", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String(80), nullable=False),
    Index(None, "place", "state"),
)

# Every step of every box, as it was then; the database refuses to change a line.
resource_move = Table(
    "resource_move",
    metadata,
    Column("resource", String(40), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("action", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("service", String(40)),
    Column("place", String(80), nullable=False),
    Column("on", Date),
    Column("note", String(200), nullable=False),
    Column("condition", String(16)),
    Column("other", String(40)),
    Column("actor", String(80), nullable=False),
    Column("at", Instant, nullable=False),
)
LINES_MAX = 1_000
SHELVES_MAX = 1_000
ARRIVALS = ("take_back", "swap", "find")
_C = resource.c
_COLUMNS = (
    *(_C.id, _C.serial, _C.mac, _C.model, _C.state),
    *(_C.service, _C.place, _C.condition, _C.moves),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a box's history: what was done by whom, and where and with whom it was then.

    `on` is the local date of a household, `at` the machine's time; `other` is the box on the other
    side of a swap, `condition` how it came back.
    """

    n: int
    action: str
    state: ResourceState
    service: ServiceId | None
    place: str
    on: date | None
    note: str
    condition: Condition | None
    other: ResourceId | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which boxes a list is of; an empty text means any."""

    state: str = ""
    place: str = ""
    model: str = ""


async def by_service(tx: Tx, services: Iterable[str]) -> Mapping[ServiceId, list[Resource]]:
    """Find the boxes each service holds, or held when they were lost; in order of serials."""
    found: dict[ServiceId, list[Resource]] = {}
    for box in await _boxes(tx, _C.service, services):
        if box.service is not None:
            found.setdefault(box.service, []).append(box)
    return found


async def macs(tx: Tx, services: Iterable[str]) -> Mapping[ServiceId, Sequence[str | None]]:
    """Find the boxes that each service's household holds: of each its MAC, where it has one."""
    found: dict[ServiceId, list[str | None]] = {}
    given = {KEYS: packed(tx.engine, services)}
    for row in await _MACS.rows(tx, given):
        found.setdefault(row.service, []).append(row.mac)
    return found


async def held(
    tx: Tx, services: Iterable[str], *, models: Iterable[str]
) -> dict[ServiceId, list[Resource]]:
    """Find the boxes of some models that households hold; their rows are locked until the end."""
    found: dict[ServiceId, list[Resource]] = {}
    wanted = {KEYS: packed(tx.engine, services), "models": packed(tx.engine, models)}
    for row in await _HELD.rows(tx, wanted):
        box = _from_row(row)
        if box.service is not None:
            found.setdefault(box.service, []).append(box)
    return found


async def by_serial(tx: Tx, serials: Iterable[str]) -> Mapping[str, Resource]:
    """Find boxes by their serials."""
    return {box.serial: box for box in await _boxes(tx, _C.serial, serials)}


async def by_mac(tx: Tx, macs: Iterable[str]) -> Mapping[str, Resource]:
    """Find boxes by their MACs, written AA:BB:CC:DD:EE:FF."""
    found = await _boxes(tx, _C.mac, macs)
    return {box.mac: box for box in found if box.mac}


async def by_id(tx: Tx, ids: Iterable[str]) -> Mapping[ResourceId, Resource]:
    """Find boxes by their ids."""
    return {box.id: box for box in await _boxes(tx, _C.id, ids)}


async def locked(tx: Tx, ids: Iterable[str]) -> dict[ResourceId, Resource]:
    """Find boxes by their ids and keep others from changing them until the transaction ends."""
    rows = await _LOCKED.rows(tx, {KEYS: packed(tx.engine, ids)})
    return {box.id: box for box in map(_from_row, rows)}


async def after(
    tx: Tx, serial: str, *, boxes_max: int, wanted: Wanted | None = None
) -> list[Resource]:
    """List boxes behind a serial, in order of serials: all of them in pages."""
    query = select(*_COLUMNS).where(_C.serial > serial).order_by(_C.serial).limit(boxes_max)
    asked = wanted or Wanted()
    for column, text in (
        (_C.state, asked.state),
        (_C.place, asked.place),
        (_C.model, asked.model),
    ):
        query = query.where(column == text) if text else query
    return [_from_row(row) for row in await tx.rows(query)]


async def arrivals(tx: Tx, boxes: Iterable[str]) -> dict[ResourceId, Line]:
    """Find how boxes came back last; its `service` is the household they came from."""
    c, before = resource_move.c, resource_move.alias("before")
    came_from = and_(before.c.resource == c.resource, before.c.n == c.n - 1)
    query = (
        select(resource_move, before.c.service.label("came_from"))
        .select_from(resource_move.outerjoin(before, came_from))
        .where(among(tx.engine, c.resource), c.action.in_(ARRIVALS))
        .order_by(c.resource, c.n)
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, boxes)})
    # A box that was given in exchange is the other side of a swap: it has a household then.
    lines = [(row, _line(row)) for row in rows if row.service is None]
    return {ResourceId(row.resource): replace(line, service=row.came_from) for row, line in lines}


async def shelves(tx: Tx) -> list[str]:
    """List the places at which something lies that no household holds, in order."""
    here = or_(*(_C.state == state for state in sorted(SHELVED)))
    query = select(_C.place).where(here).distinct().order_by(_C.place).limit(SHELVES_MAX)
    return [row.place for row in await tx.rows(query)]


async def last_on(tx: Tx, box: ResourceId) -> date | None:
    """Tell the local day of the last thing that happened to a box with a day of its own."""
    c = resource_move.c
    dated = select(c.on).where(c.resource == box, c.on.is_not(None)).order_by(c.n.desc()).limit(1)
    row = await tx.first(dated)
    return row.on if row else None


async def history(tx: Tx, serial: str, *, lines_max: int = LINES_MAX) -> list[Line]:
    """Read what happened to a box, the oldest first. Nothing for a box nobody knows."""
    c = resource_move.c
    query = (
        select(resource_move)
        .join(resource, _C.id == c.resource)
        .where(_C.serial == serial)
        .order_by(c.n)
        .limit(lines_max)
    )
    return [_line(row) for row in await tx.rows(query)]


async def swapped(
    tx: Tx, new: Iterable[str]
) -> frozenset[tuple[ResourceId, ResourceId, ServiceId]]:
    """Tell for which boxes these were ever given, and with which household, by swaps."""
    c = resource_move.c
    query = select(c.resource, c.other, c.service).where(
        among(tx.engine, c.resource), c.other.is_not(None), c.service.is_not(None)
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, new)})
    return frozenset(
        (ResourceId(row.resource), ResourceId(row.other), ServiceId(row.service)) for row in rows
    )


async def _boxes(tx: Tx, column: Column[Any], keys: Iterable[str]) -> Sequence[Resource]:
    wanted = list(keys)
    if not wanted:
        return []
    rows = await _FOUND[column.name].rows(tx, {KEYS: packed(tx.engine, wanted)})
    return [_from_row(row) for row in rows]


def _by(column: Column[Any]) -> PreparedQuery:
    return PreparedQuery(
        lambda engine: select(*_COLUMNS).where(among(engine, column)).order_by(_C.serial)
    )


def _macs(engine: Engine) -> Select[Any]:
    held = or_(*(_C.state == state for state in sorted(HELD)))
    return select(_C.service, _C.mac).where(among(engine, _C.service), held)


def _held(engine: Engine) -> Select[Any]:
    states = or_(*(_C.state == state for state in sorted(HELD)))
    query = select(*_COLUMNS).where(among(engine, _C.service), states)
    return _in_order(query.where(among(engine, _C.model, "models")))


def _locked(engine: Engine) -> Select[Any]:
    return _in_order(select(*_COLUMNS).where(among(engine, _C.id)))


def _in_order(query: Select[Any]) -> Select[Any]:
    # In one order, so that two who want the same boxes never wait for each other.
    return query.order_by(_C.id).with_for_update()


_FOUND = {column.name: _by(column) for column in (_C.service, _C.serial, _C.mac, _C.id)}
_MACS = PreparedQuery(_macs)
_HELD = PreparedQuery(_held)
_LOCKED = PreparedQuery(_locked)


def _from_row(row: Any) -> Resource:
    return Resource(
        id=ResourceId(row.id),
        serial=row.serial,
        mac=row.mac,
        model=row.model,
        state=ResourceState(row.state),
        service=ServiceId(row.service) if row.service else None,
        place=row.place,
        condition=Condition(row.condition) if row.condition else None,
        moves=row.moves,
    )


def _line(row: Any) -> Line:
    return Line(
        n=row.n,
        action=row.action,
        state=ResourceState(row.state),
        service=ServiceId(row.service) if row.service else None,
        place=row.place,
        on=row.on,
        note=row.note,
        condition=Condition(row.condition) if row.condition else None,
        other=ResourceId(row.other) if row.other else None,
        actor=row.actor,
        at=row.at,
    )
