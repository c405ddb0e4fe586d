"""The table of deliveries: the record that makes a message go out at most once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from messages.model import OPEN, Delivery, Outcome
from messages.plan import Via
from runtime.store import Instant, Tx, metadata
from runtime.store.keyset import Place, exact, page
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import ServiceId

SWEEP_ROWS_MAX = 1_000

delivery = Table(
    "delivery",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("service_id", String(26)),
    Column("via", String(10), nullable=False, server_default=text("'screen'")),
    Column("to_address", String(254), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("why", Text, nullable=False),
    Index(None, "service_id"),
    Index(None, "begun_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deliveries: of one household, channel, kind or outcome, begun since an instant."""

    service: ServiceId | None = None
    via: Via | None = None
    kind: str = ""
    outcome: Outcome | None = None
    since: datetime | None = None

    def columns(self) -> Iterator[tuple[ColumnElement[Any], str | None]]:
        """Pair each column with what it has to be."""
        c = delivery.c
        yield c.service_id, self.service
        yield c.via, self.via.value if self.via else None
        yield c.kind, self.kind
        yield c.outcome, self.outcome.value if self.outcome else None


async def outcomes(tx: Tx, messages: Sequence[str]) -> Mapping[str, Outcome]:
    """Tell what became of those messages that were begun."""
    c = delivery.c
    query = select(c.id, c.outcome).where(c.id.in_(list(messages)))
    return {row.id: Outcome(row.outcome) for row in await tx.rows(query)}


async def record(tx: Tx, deliveries: Iterable[Delivery]) -> None:
    """Write down deliveries that were not recorded before, or that waited."""
    rows = [
        {
            "id": d.id,
            "service_id": d.service,
            "via": d.via.value,
            "to_address": d.to,
            "kind": d.kind,
            "text": d.text,
            "outcome": d.outcome.value,
            "begun_at": d.begun_at,
            "ended_at": d.ended_at,
            "why": d.why,
        }
        for d in deliveries
    ]
    await tx.upsert(delivery, rows, key=("id",))


async def end(tx: Tx, results: Iterable[tuple[str, Outcome, str]], at: datetime) -> None:
    """Write what became of deliveries that were begun; an ended one stays as it is."""
    c = delivery.c
    rows = [
        {"which": id_, "to": to.value, "because": why, "at": None if to in OPEN else at}
        for id_, to, why in results
    ]
    if rows:
        await tx.execute(
            update(delivery)
            .where(c.id == bindparam("which"), c.outcome == Outcome.BEGUN.value)
            .values(outcome=bindparam("to"), why=bindparam("because"), ended_at=bindparam("at")),
            rows,
        )


async def latest(
    tx: Tx,
    *,
    rows_max: int,
    service: ServiceId | None = None,
    before: datetime | None = None,
) -> Sequence[Delivery]:
    """List the newest deliveries, newest first, of all or of one service."""
    given: dict[str, object] = {"most": rows_max}
    if before is not None:
        c = delivery.c
        query = _latest(tx.engine).where(func.coalesce(c.ended_at, c.begun_at) < before)
        query = query if service is None else query.where(c.service_id == service)
        rows = await tx.rows(query, given)
    elif service is None:
        rows = await _LATEST.rows(tx, given)
    else:
        rows = await _LATEST_OF_ONE.rows(tx, given | {"service": service})
    return [_delivery(row) for row in rows]


async def sought(
    tx: Tx, wanted: Sought, *, rows_max: int, behind: Place | None = None
) -> Sequence[Delivery]:
    """List deliveries that are looked for, those begun last first, perhaps behind one."""
    c = delivery.c
    query = select(delivery).where(
        *(column == value for column, value in wanted.columns() if value),
        *([c.begun_at >= wanted.since] if wanted.since else ()),
    )
    query = page(query, (c.begun_at, exact(tx.engine, c.id)), behind, rows_max)
    return [_delivery(row) for row in await tx.rows(query)]


async def sweep(tx: Tx, before: datetime) -> int:
    """Forget the oldest deliveries that ended before an instant; returns how many."""
    c = delivery.c
    old = select(c.id).where(c.begun_at < before, c.ended_at.is_not(None))
    old = old.order_by(c.begun_at).limit(SWEEP_ROWS_MAX)
    return (await tx.execute(delete(delivery).where(c.id.in_(old)))).rowcount


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id,
        service=None if row.service_id is None else ServiceId(row.service_id),
        via=Via(row.via),
        to=row.to_address,
        kind=row.kind,
        text=row.text,
        outcome=Outcome(row.outcome),
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        why=row.why,
    )


def _latest(_engine: Engine) -> Select[tuple[object, ...]]:
    query = select(delivery).order_by(delivery.c.begun_at.desc(), delivery.c.id.desc())
    return query.limit(bindparam("most", type_=Integer))


def _latest_of_one(engine: Engine) -> Select[tuple[object, ...]]:
    return _latest(engine).where(delivery.c.service_id == bindparam("service"))


_LATEST = PreparedQuery(_latest)
_LATEST_OF_ONE = PreparedQuery(_latest_of_one)
