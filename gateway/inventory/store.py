"""The table of boxes, and reading it. Writing is the business of the flows beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Integer, Select, String, Table, or_, select
from sqlalchemy.sql.elements import ColumnElement

from gateway.inventory.model import HELD, Resource, ResourceState
from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
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
    Column("moves", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String(80), nullable=False),
)
_C = resource.c
_COLUMNS = (_C.id, _C.serial, _C.mac, _C.model, _C.state, _C.service, _C.moves)


async def by_service(tx: Tx, services: Iterable[str]) -> Mapping[ServiceId, list[Resource]]:
    """Find the boxes each service holds, or held when they were lost; in order of serials."""
    found: dict[ServiceId, list[Resource]] = {}
    for box in await _boxes(tx, _C.service.in_(list(services))):
        if box.service is not None:
            found.setdefault(box.service, []).append(box)
    return found


async def macs(tx: Tx, services: Iterable[str]) -> Mapping[ServiceId, frozenset[str]]:
    """Find the MACs of the boxes that each service's household holds."""
    found: dict[ServiceId, list[str]] = {}
    given = {KEYS: packed(tx.engine, services)}
    for row in await _MACS.rows(tx, given):
        found.setdefault(row.service, []).append(row.mac)
    return {service: frozenset(listed) for service, listed in found.items()}


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


async def locked(tx: Tx, ids: Iterable[str]) -> dict[ResourceId, Resource]:
    """Find boxes by their ids; their rows are locked until the end."""
    rows = await _LOCKED.rows(tx, {KEYS: packed(tx.engine, ids)})
    return {box.id: box for box in map(_from_row, rows)}


async def by_serial(tx: Tx, serials: Iterable[str]) -> Mapping[str, Resource]:
    """Find boxes by their serials."""
    return {box.serial: box for box in await _boxes(tx, _C.serial.in_(list(serials)))}


async def by_mac(tx: Tx, macs: Iterable[str]) -> Mapping[str, Resource]:
    """Find boxes by their MACs, written AA:BB:CC:DD:EE:FF."""
    found = await _boxes(tx, _C.mac.in_(list(macs)))
    return {box.mac: box for box in found if box.mac}


async def by_id(tx: Tx, ids: Iterable[str]) -> Mapping[ResourceId, Resource]:
    """Find boxes by their ids."""
    return {box.id: box for box in await _boxes(tx, _C.id.in_(list(ids)))}


async def after(tx: Tx, serial: str, *, boxes_max: int) -> list[Resource]:
    """List boxes behind a serial, in order of serials: all of them in pages."""
    query = select(*_COLUMNS).where(_C.serial > serial).order_by(_C.serial).limit(boxes_max)
    return [_from_row(row) for row in await tx.rows(query)]


async def _boxes(tx: Tx, which: ColumnElement[bool]) -> Sequence[Resource]:
    query = select(*_COLUMNS).where(which).order_by(_C.serial)
    return [_from_row(row) for row in await tx.rows(query)]


def _macs(engine: Engine) -> Select[Any]:
    held = or_(*(_C.state == state for state in sorted(HELD)))
    query = select(_C.service, _C.mac).where(among(engine, _C.service), held)
    return query.where(_C.mac.is_not(None))


def _held(engine: Engine) -> Select[Any]:
    states = or_(*(_C.state == state for state in sorted(HELD)))
    query = select(*_COLUMNS).where(among(engine, _C.service), states)
    return _in_order(query.where(among(engine, _C.model, "models")))


def _locked(engine: Engine) -> Select[Any]:
    return _in_order(select(*_COLUMNS).where(among(engine, _C.id)))


def _in_order(query: Select[Any]) -> Select[Any]:
    # Always in one order, so that two transactions never wait for each other.
    return query.order_by(_C.id).with_for_update(read=True)


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
        moves=row.moves,
    )
