"""/console/lines/...: one line of a document, why it comes to what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from app.web.console.words import shown
from app.web.people.phone import html
from app.web.route import Call, Query, Route
from billing.reads import explaining
from billing.reads.sources import Source

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/lines/{number}"


class Explained:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        return (self.console.page(PATH, self._show, Query),)

    async def _show(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            found = await explaining.line(tx, call.part("number"))
        sources = [(one.kind, _days(one), one.detail) for one in found.sources]
        page = self.console.drawing.page("line", frame=frame, line=found, sources=sources)
        return html(page)


def _days(one: Source) -> str:
    ends = f" to {shown(one.until_on)}" if one.until_on else ""
    return f"from {shown(one.from_on)}{ends}"
