"""/processes: what runs, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.api.ways import look
from app.web.route import Call
from runtime import presence
from runtime.presence import Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """All of them. One that `is_silent` is dead, or cannot reach the database."""

    items: list[Process]


async def listing(call: Call) -> Processes:
    """List the processes of this product, and those that fell silent in the last ten minutes."""
    now = call.house.clock.machine_now()
    async with call.house.store.read() as tx:
        return Processes(items=list(await presence.listing(tx, now)))


ROUTES = (look("processes", listing, Processes),)
