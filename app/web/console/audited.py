"""/console/audit: who did what to whom, and why, for whoever runs the business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import Field

from app.desk.auditing import SUBJECT_CHARS_MAX, Sought, reading
from app.identity.roles import Right
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After, Day, since
from app.web.page.reply import html
from app.web.route import Call, Query, Route

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/audit"
DEEDS_MAX = 50
Name = Annotated[str, Field(max_length=SUBJECT_CHARS_MAX)]


class AuditQuery(Query):
    """Which deeds, and behind which one the page begins."""

    subject: Name = ""
    actor: Name = ""
    since: Day = None
    after: After = ""


class Audited:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        right = Right.RUN_BUSINESS
        page = Route(method="GET", path=PATH, policy=right, handler=self._show, query=AuditQuery)
        return (page,)

    async def _show(self, call: Call) -> web.Response:
        query: AuditQuery = call.query
        (behind,) = read_cursor(query.after, int) or (None,)
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            sought = Sought(
                subject=query.subject.strip(),
                actor=query.actor.strip(),
                since=since(query.since, frame.zone),
            )
            found = await reading(tx, sought, deeds_max=DEEDS_MAX + 1, behind=behind)
        shown, last = cut(found, DEEDS_MAX)
        page = self.console.drawing.page(
            "audit",
            frame=frame,
            deeds=shown,
            query=query,
            next=cursor((last.position,)) if last else "",
        )
        return html(page)
