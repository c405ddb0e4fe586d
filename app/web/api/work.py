"""/work, /parked and /orders: what is to be done, what waits for a person, what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.desk import targets
from app.desk.boxes import holder_of
from app.desk.names import Names, names
from app.desk.parked import Parked
from app.desk.parked import parked as read_parked
from app.web.api.shapes import Contract, OptionalText, Page, Paging, page
from app.web.api.targets import Counted
from app.web.api.ways import change, look
from app.web.route import Body, Call
from gateway.reads import orders as order_reads
from gateway.reads import queue as queue_reads
from gateway.reads.orders import ServiceOrder
from runtime.store import Tx


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


class OrderQuery(Paging):
    """Whose orders."""

    contract: Contract | None = None


class Release(Body):
    """Which parked row; with `alike` all of its kind and target that have the same reason, too."""

    kind: Annotated[str, Field(pattern="^[a-z]{1,16}$")]
    key: Annotated[OptionalText, Field(min_length=1, max_length=160)]
    alike: bool = False


class LookAgain(Body):
    """Whose service to compare with its targets now."""

    contract: Contract


async def count(call: Call) -> WorkView:
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


async def list_parked(call: Call) -> Page[ParkedView]:
    """List what was set aside, the newest first."""
    query: Paging = call.query
    behind = query.behind(datetime, str, str)
    async with call.house.store.read() as tx:
        found = await read_parked(tx, rows_max=query.limit + 1, behind=behind)
    return page(found, query.limit, _parked, lambda one: one.place)


async def release(call: Call, tx: Tx) -> Counted:
    """Let a parked row be tried again, or up to 500 that have the same reason."""
    body: Release = call.body
    let_go = targets.release_like if body.alike else targets.release_work
    count = await let_go(call.house, tx, body.kind, body.key, call.actor)
    return Counted(count=count)


async def look_again(call: Call, tx: Tx) -> Counted:
    """Compare one service with its targets now."""
    count = await targets.look_again(call.house, tx, call.body.contract, call.actor)
    return Counted(count=count)


async def list_orders(call: Call) -> Page[OrderView]:
    """List the journal, the newest first."""
    query: OrderQuery = call.query
    behind = query.behind_name()
    async with call.house.store.read() as tx:
        service = (await holder_of(tx, query.contract)).service if query.contract else None
        found = await order_reads.latest(
            tx, orders_max=query.limit + 1, service=service, behind=behind
        )
        who = await names(tx, [one.service for one in found])
    return page(found, query.limit, lambda one: _order(one, who), lambda one: (one.id,))


def _parked(one: Parked) -> ParkedView:
    return ParkedView(
        kind=one.kind,
        key=one.key,
        target=one.target,
        contract=one.contract or None,
        reference=one.reference or None,
        reason=one.reason,
        since=one.since,
        releasable=one.releasable,
    )


def _order(one: ServiceOrder, who: Names) -> OrderView:
    holder = who.get(one.service)
    return OrderView(
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


ROUTES = (
    look("work", count, WorkView),
    look("parked", list_parked, Page[ParkedView], query=Paging),
    change("parked/release", release, Counted, body=Release, problems=[404]),
    change("reconcile", look_again, Counted, body=LookAgain, problems=[404]),
    look("orders", list_orders, Page[OrderView], query=OrderQuery, problems=[404]),
)
