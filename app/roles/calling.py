"""Rows that are talked over with a payment provider: attempts, refunds, payment methods, pages.

Prepared, called with no transaction open, recorded; then a row is over, looked at again or stuck.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from app.desk.asking import ask
from app.wiring import House
from billing.flows import collect, pages, refunding, upkeep
from billing.flows.calls import Recorded
from billing.flows.desk import Desk
from runtime.store import Tx
from runtime.work import Claim, Failure, Handler, Parking
from runtime.work.rows import CLAIM_ROWS_MAX

AWAITED = "the provider's answer is awaited"


class _Talk(Protocol):
    @property
    def provider(self) -> str: ...


T = TypeVar("T", bound=_Talk)
A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Talking(Generic[T, A]):
    """A flow that talks to providers, and how many talks it has at a time."""

    kind: str
    in_flight_max: int
    rows_max: int = CLAIM_ROWS_MAX
    prepare: Callable[[Desk, Tx, Sequence[str]], Awaitable[Sequence[T]]]
    call: Callable[[Desk, T], Awaitable[A]]
    record: Callable[[Desk, Tx, Sequence[tuple[T, A]], datetime], Awaitable[Recorded]]


FLOWS: tuple[Talking[Any, Any], ...] = (
    Talking(
        kind="collect",
        in_flight_max=16,
        prepare=collect.prepare,
        call=collect.call,
        record=collect.record,
    ),
    Talking(
        kind="refund",
        in_flight_max=8,
        prepare=refunding.prepare,
        call=refunding.call,
        record=refunding.record,
    ),
    Talking(
        kind="method",
        in_flight_max=1,
        rows_max=20,
        prepare=upkeep.prepare,
        call=upkeep.call,
        record=upkeep.record,
    ),
    Talking(
        kind=pages.KIND,
        in_flight_max=8,
        prepare=pages.prepare,
        call=pages.call,
        record=pages.record,
    ),
)


def handler(house: House, flow: Talking[T, A]) -> Handler:
    """Make the handler of a batch: prepare, call, record."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.begin() as tx:
            talks = await flow.prepare(house.desk, tx, [claim.key for claim in claims])
        gate = asyncio.Semaphore(flow.in_flight_max)

        async def call(talk: T) -> tuple[T, A]:
            async with gate:
                return talk, await ask(talk.provider, flow.call(house.desk, talk))

        answers = await asyncio.gather(*(call(talk) for talk in talks))
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            recorded = await flow.record(house.desk, tx, answers, now)
            await _finish(house, tx, claims, recorded)

    return handle


async def _finish(house: House, tx: Tx, claims: Sequence[Claim], recorded: Recorded) -> None:
    again, stuck = recorded.again, recorded.stuck
    machine_now = house.clock.machine_now()
    later = [
        Failure(
            claim=one,
            error=recorded.why.get(one.key, AWAITED),
            not_before=machine_now + again[one.key],
            counts=False,
        )
        for one in claims
        if one.key in again
    ]
    parked = [Parking(claim=one, error=stuck[one.key]) for one in claims if one.key in stuck]
    over = [one for one in claims if one.key not in again and one.key not in stuck]
    await house.work.complete(tx, over)
    await house.work.fail(tx, later)
    await house.work.park(tx, parked)
