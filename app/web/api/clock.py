"""/clock: business time, and moving it."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from app.desk import clock
from app.web.api.shapes import OptionalText
from app.web.api.ways import change, look
from app.web.route import Body, Call
from runtime.store import Tx


class Step(Body):
    """How far to move, like 35d or 12h."""

    by: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,6}[smhdw]){1,8}$")]
    reason: OptionalText = ""


async def show(call: Call) -> clock.Times:
    """Tell both times."""
    async with call.house.store.read() as tx:
        return await clock.tell(call.house, tx)


async def advance(call: Call, tx: Tx) -> clock.Times:
    """Move business time forward."""
    step = clock.parse_step(call.body.by)
    return await clock.advance(call.house, tx, step, actor=call.actor)


ROUTES = (
    look("clock", show, clock.Times),
    change("clock/advance", advance, clock.Times, body=Step),
)
