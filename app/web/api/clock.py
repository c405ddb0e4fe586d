"""/clock: business time, and moving it."""

from __future__ import annotations

from app.desk import clock
from app.web.api.shapes import PREFIX
from app.web.route import Body, Call, Policy, Route


class Step(Body):
    """How far to move, like 35d or 12h."""

    by: str


async def show(call: Call) -> clock.Times:
    """Tell both times."""
    async with call.house.store.read() as tx:
        return await clock.tell(call.house, tx)


async def advance(call: Call) -> clock.Times:
    """Move business time forward."""
    step = clock.parse_step(call.body.by)
    async with call.house.store.begin() as tx:
        return await clock.advance(call.house, tx, step, actor=call.actor)


ROUTES = (
    Route(
        method="GET",
        path=f"{PREFIX}/clock",
        policy=Policy.TOKEN,
        handler=show,
        answer=clock.Times,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/clock/advance",
        policy=Policy.TOKEN,
        handler=advance,
        body=Step,
        answer=clock.Times,
    ),
)
