"""/console/billing: bill days that wait for a person, what they would bill, and letting one go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from app.desk import billdays
from app.desk.billdays import DayView
from app.identity import people
from app.identity.roles import Right
from app.web.api.billdays import previewed
from app.web.api.shapes import OfDay
from app.web.console.forms import DecideForm
from app.web.console.sayings import SaidQuery, told
from app.web.page.fields import NoFields
from app.web.page.reply import html, see
from app.web.page.words import shown
from app.web.route import Call, Form, Handler, Route

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/billing"
_STATES = {"draft": ("warn", "waits"), "released": ("good", "let go"), "coming": ("calm", "coming")}


class Billed:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self.console.page(PATH, self._show, SaidQuery),
            self._form("preview", self._preview, NoFields),
            self._form("release", self._release, DecideForm),
        )

    def _form(self, name: str, handler: Handler, form: type[Form]) -> Route:
        return Route(
            method="POST",
            path=f"{PATH}/{{day}}/{name}",
            policy=Right.RUN_BUSINESS,
            handler=handler,
            form=form,
            parts=OfDay,
        )

    async def _show(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, call.query.said)
            found = await billdays.days(self.house, tx)
            named = {one.actor: one.display for one in await people.listing(tx)}
        rows = [(_row(one, named), one) for one in found.days]
        page = self.console.drawing.page(
            "billing", frame=frame, rows=rows, window_days=found.window_days
        )
        return html(page)

    async def _preview(self, call: Call) -> web.Response:
        return see(f"{PATH}?said={await told(call, _previewed(call))}")

    async def _release(self, call: Call) -> web.Response:
        return see(f"{PATH}?said={await told(call, _released(call))}")


async def _previewed(call: Call) -> str:
    found = await previewed(call, call.parts.day)
    return f"{found.accounts} accounts looked at."


async def _released(call: Call) -> str:
    day, reason = call.parts.day, call.form.reason.strip()
    async with call.house.store.begin() as tx:
        await billdays.release(call.house, tx, day, call.actor, reason=reason)
    return f"{shown(day)} is let go."


def _row(one: DayView, named: Mapping[str, str]) -> dict[str, str]:
    tone, state = _STATES[one.state.value]
    counted = (
        (one.shocks, "much larger than usual"),
        (one.drops, "much smaller than usual"),
        (one.fresh, "billed for the first time"),
        (one.gone, "no longer billed"),
        (one.broken, "cannot be billed"),
    )
    notes = ", ".join(f"{count} {what}" for count, what in counted if count)
    return {
        "day": shown(one.day),
        "tone": tone,
        "state": state,
        "opens_on": shown(one.opens_on),
        "notes": notes,
        "who": named.get(one.released_by, one.released_by),
    }
