"""How large batches of settling may be, by rows and by seconds.

A batch holds what it writes with: on SQLite all who write wait for it, on PostgreSQL nobody but who
draws up invoices, too. It holds the event loop while it is decided on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.wiring import House
from runtime import presence
from runtime.retry import pause
from runtime.store.lease import Engine
from runtime.work import Lane, Stride

LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Batches of so many rows, that make others wait so long at most.

    Of those `abreast` one is decided on while another is written, and a third is claimed.
    """

    rows_min: int
    rows_max: int
    within_s: float
    loop_s: float
    abreast: int = 1


# Accounts that have nothing to do are quick, and the next batch may be of those that have: so many
# are written in 2 ms of a processor, which take up to 25 where pages want the processors, too.
BESIDE_OTHERS: Mapping[Engine, Pace] = {
    "sqlite": Pace(rows_min=5, rows_max=20, within_s=0.010, loop_s=0.020),
    "postgresql": Pace(rows_min=5, rows_max=20, within_s=0.150, loop_s=0.020),
}
# What somebody marked costs little: a crowd that pays is taken up in large batches by a worker, who
# shows no pages.
MARKED_AT_WORK: Mapping[Engine, Pace] = {
    "sqlite": BESIDE_OTHERS["sqlite"],
    "postgresql": Pace(rows_min=5, rows_max=100, within_s=0.050, loop_s=0.050, abreast=2),
}
# A process that does nothing else lets others write, and has its event loop for itself.
BY_ITSELF: Mapping[Engine, Pace] = {
    "sqlite": Pace(rows_min=20, rows_max=500, within_s=0.025, loop_s=1.0, abreast=3),
    "postgresql": Pace(rows_min=20, rows_max=500, within_s=0.150, loop_s=1.0, abreast=3),
}
# Where no other process is at work nobody waits (ADR 41).
ALONE_S = 0.150


@asynccontextmanager
async def longer_while_alone(house: House, lane: Lane) -> AsyncIterator[None]:
    """Let batches take longer for as long as no other process says that it is here.

    On PostgreSQL, where others write beside a batch, there is nothing to gain.
    """
    stride = lane.stride
    if stride is None or not house.store.is_sqlite:
        yield
        return
    beside_others_s = stride.within_s
    await _look(house, stride, beside_others_s)
    task = asyncio.create_task(_keep_looking(house, stride, beside_others_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        stride.within_s = beside_others_s


async def _keep_looking(house: House, stride: Stride, beside_others_s: float) -> None:
    while True:
        await pause(LOOK_EVERY_S)
        await house.store.outages.outlive("pace", _look(house, stride, beside_others_s))


async def _look(house: House, stride: Stride, beside_others_s: float) -> None:
    async with house.store.read() as tx:
        known = await presence.listing(tx, house.clock.machine_now())
    is_alone = all(one.is_silent for one in known)
    stride.within_s = ALONE_S if is_alone else beside_others_s
