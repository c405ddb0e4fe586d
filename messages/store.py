"""The table of deliveries: the record that makes a message go out at most once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    select,
    text,
    update,
)

from messages.model import OPEN, Delivery, Outcome
from messages.plan import Via
from runtime.store import Instant, Tx, metadata
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.ids import ServiceId

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
    return [
        Delivery(
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
        for row in rows
    ]


def _latest(_engine: Engine) -> Select[tuple[object, ...]]:
    query = select(delivery).order_by(delivery.c.begun_at.desc(), delivery.c.id.desc())
    return query.limit(bindparam("most", type_=Integer))


def _latest_of_one(engine: Engine) -> Select[tuple[object, ...]]:
    return _latest(engine).where(delivery.c.service_id == bindparam("service"))


_LATEST = PreparedQuery(_latest)
_LATEST_OF_ONE = PreparedQuery(_latest_of_one)
