"""/console/search: whom somebody means, grouped by what of it was found."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import Field

from app.desk.search import TEXT_CHARS_MAX, find
from app.web.page.reply import html
from app.web.route import Call, Query, Route

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/search"
HITS_MAX = 50
_GROUPS = {
    "serial": "Serial of a box",
    "mac": "MAC of a box",
    "invoice": "Number of an invoice",
    "receipt": "Number of a receipt",
    "contract": "Contract",
    "name": "Name",
    "phone": "Telephone",
}


class SearchQuery(Query):
    """What somebody says: a name, telephone, contract, serial, MAC, an invoice or a receipt."""

    q: Annotated[str, Field(max_length=TEXT_CHARS_MAX)] = ""


class Searching:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        return (self.console.page(PATH, self._show, SearchQuery),)

    async def _show(self, call: Call) -> web.Response:
        said = call.query.q.strip()
        async with call.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            hits = await find(tx, said, hits_max=HITS_MAX)
        groups = [
            (_GROUPS.get(by, by), list(found)) for by, found in groupby(hits, lambda one: one.by)
        ]
        page = self.console.drawing.page(
            "search", frame=frame, said=said, groups=groups, is_cut=len(hits) >= HITS_MAX
        )
        return html(page)
