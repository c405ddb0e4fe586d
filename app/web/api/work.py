"""/work, /parked and /orders: what is to be done, what waits for a person, what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.desk import targets
from app.desk.boxes import holder_of
from app.desk.names import names
from app.desk.parked import parked as read_parked
from app.web.api.shapes import PAGE_MAX, PREFIX, Contract
from app.web.api.targets import Counted
from app.web.route import Body, Call, Policy, Query, Route
from gateway.reads import orders as order_reads
from gateway.reads import queue as queue_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The rows of one kind at one target. `waiting` are not due yet, or in back-off."""

    kind: str
    target: str
    due: int
    running: int
    waiting: int
    parked: int
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """All queues; `idle` says that nothing is due and nothing in hand."""

    idle: bool
    items: list[QueueView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedView:
    """Something set aside, and why. What is not releasable goes on once its cause is mended.

    `reference` names the payment provider and its message, where it is one that fits nobody.
    """

    kind: str
    key: str
    target: str
    contract: str | None
    reference: str | None
    reason: str
    since: datetime
    releasable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedList:
    """What was set aside, the newest first."""

    items: list[ParkedView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """A line of the journal; `what` is {field: [held before, wished]}."""

    id: str
    contract: str | None
    target: str
    revision: int
    what: Mapping[str, tuple[str, str]]
    outcome: str
    cause: str
    started_at: datetime
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Lines of the journal, the newest first."""

    items: list[OrderView]


class OrderQuery(Query):
    """Whose orders."""

    contract: Annotated[str, Field(max_length=40)] = ""
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100


class Limit(Query):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100


class Release(Body):
    """Which parked row."""

    kind: Annotated[str, Field(max_length=16)]
    key: Annotated[str, Field(min_length=1, max_length=160)]


class LookAgain(Body):
    """Whose service to compare with its targets now."""

    contract: Contract


async def work(call: Call) -> WorkView:
    """Count the work of every kind."""
    house = call.house
    async with house.store.read() as tx:
        offset = await house.clock.offset(tx)
        found = await queue_reads.queues(tx, now=house.clock.machine_now(), offset=offset)
    items = [
        QueueView(
            kind=q.kind,
            target=q.target,
            due=q.due,
            running=q.running,
            waiting=q.waiting,
            parked=q.parked,
            oldest_s=round(q.oldest_s, 3),
        )
        for q in found
    ]
    return WorkView(idle=not any(q.due or q.running for q in found), items=items)


async def parked(call: Call) -> ParkedList:
    """List what was set aside."""
    async with call.house.store.read() as tx:
        found = await read_parked(tx, rows_max=call.query.limit)
    items = [
        ParkedView(
            kind=one.kind,
            key=one.key,
            target=one.target,
            contract=one.contract or None,
            reference=one.reference or None,
            reason=one.reason,
            since=one.since,
            releasable=one.releasable,
        )
        for one in found
    ]
    return ParkedList(items=items)


async def release(call: Call) -> Counted:
    """Let a parked row be tried again."""
    body: Release = call.body
    async with call.house.store.begin() as tx:
        count = await targets.release_work(call.house, tx, body.kind, body.key, call.actor)
    return Counted(count=count)


async def look_again(call: Call) -> Counted:
    """Compare one service with its targets now."""
    async with call.house.store.begin() as tx:
        holder = await holder_of(tx, call.body.contract)
        return Counted(count=await targets.look_again(call.house, tx, [holder.service]))


async def orders(call: Call) -> Orders:
    """List the journal."""
    query: OrderQuery = call.query
    async with call.house.store.read() as tx:
        service = (await holder_of(tx, query.contract)).service if query.contract else None
        found = await order_reads.latest(tx, orders_max=query.limit, service=service)
        who = await names(tx, [one.service for one in found])
    items = []
    for one in found:
        holder = who.get(one.service)
        items.append(
            OrderView(
                id=one.id,
                contract=holder.contract if holder else None,
                target=one.target,
                revision=one.revision,
                what=one.what,
                outcome=one.outcome.value,
                cause=one.cause,
                started_at=one.started_at,
                finished_at=one.finished_at,
                error=one.error,
            )
        )
    return Orders(items=items)


ROUTES = (
    Route(method="GET", path=f"{PREFIX}/work", policy=Policy.TOKEN, handler=work, answer=WorkView),
    Route(
        method="GET",
        path=f"{PREFIX}/parked",
        policy=Policy.TOKEN,
        handler=parked,
        query=Limit,
        answer=ParkedList,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/parked/release",
        policy=Policy.TOKEN,
        handler=release,
        body=Release,
        answer=Counted,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/reconcile",
        policy=Policy.TOKEN,
        handler=look_again,
        body=LookAgain,
        answer=Counted,
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/orders",
        policy=Policy.TOKEN,
        handler=orders,
        query=OrderQuery,
        answer=Orders,
    ),
)
