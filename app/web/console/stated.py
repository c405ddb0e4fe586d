"""/console/accounts/.../statement: an account's statement, for the screen and for paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from app.desk import documents
from app.web.page.fields import Day
from app.web.page.papers import stated
from app.web.page.reply import html
from app.web.route import Call, Query, Route

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/accounts/{contract}/statement"


class DaysQuery(Query):
    """From which day to which."""

    since: Day = None
    until: Day = None


class Stated:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        return (self.console.page(PATH, self._show, DaysQuery),)

    async def _show(self, call: Call) -> web.Response:
        query: DaysQuery = call.query
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            found = await documents.statement(
                self.house, tx, call.part("contract"), query.since, query.until
            )
        page = self.console.drawing.page("statement", frame=frame, statement=stated(found))
        return html(page)
