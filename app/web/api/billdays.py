"""/bill-days: which bill days wait for a person, what they would bill, and letting one go."""

from __future__ import annotations

from datetime import date

from app.desk import billdays
from app.desk.billdays import Days, DayView
from app.roles import billing
from app.roles.foretold import BillPreview
from app.web.api.shapes import OptionalText
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from runtime.store import Tx

# So many are looked at while somebody waits; more are for the command line.
PREVIEW_ACCOUNTS_MAX = 2_000


class LetGoBody(Body):
    """Why, for the audit."""

    reason: OptionalText = ""


async def show(call: Call) -> Days:
    """List the bill days that wait, tomorrow, and those that were looked at or let go."""
    async with call.house.store.read() as tx:
        return await billdays.days(call.house, tx)


async def look_at(call: Call) -> DayView:
    """Look at what a bill day would bill, and keep what was told; for small bases."""
    day: date = call.parts.day
    await previewed(call, day)
    async with call.house.store.read() as tx:
        return await billdays.day(call.house, tx, day)


async def release(call: Call, tx: Tx) -> DayView:
    """Let a bill day go, and all before it."""
    day: date = call.parts.day
    return await billdays.release(call.house, tx, day, call.actor, reason=call.body.reason)


async def previewed(call: Call, day: date) -> BillPreview:
    """Tell what a day would bill, unless that takes long."""
    asked = billing.Asked(day=day, accounts_max=PREVIEW_ACCOUNTS_MAX)
    return await billing.preview(call.house, asked, lambda _done, _many: None)


ROUTES = (
    look("bill-days", show, Days),
    ask("bill-days/{day}/preview", look_at, DayView, problems=()),
    change("bill-days/{day}/release", release, DayView, body=LetGoBody),
)
