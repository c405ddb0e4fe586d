"""/console/work: what was set aside, by kind and target; one or all of one cause tried again.

Below it stand the processes that do the work.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from app.desk import targets
from app.desk.parked import parked
from app.desk.targets import ALIKE_ROWS_MAX, PARKED_KINDS
from app.identity.roles import Right
from app.web.console.overview import parked_row
from app.web.console.sayings import Sealed, told
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After
from app.web.page.reply import html, see
from app.web.route import Call, Form, Query, Route
from gateway.reads import targets as target_reads
from gateway.reads.queue import Only
from runtime import presence

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/work"
ROWS_MAX = 50
Name = Annotated[str, Field(max_length=80)]


class WorkQuery(Query):
    """Which of it, behind which row, and what the last form has to say."""

    kind: Name = ""
    target: Name = ""
    after: After = ""
    said: Sealed = ""


class AlikeForm(Form):
    """Work of one kind at one target, set aside for one cause."""

    kind: Name
    target: Name = ""
    cause: Annotated[str, Field(max_length=4_000)]


class Working:
    """The page and its form."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        alike, do = f"{PATH}/alike", Right.OPERATE
        return (
            self.console.page(PATH, self._show, WorkQuery),
            Route(method="POST", path=alike, policy=do, handler=self._alike, form=AlikeForm),
        )

    async def _show(self, call: Call) -> web.Response:
        query: WorkQuery = call.query
        behind = read_cursor(query.after, datetime, str, str)
        only = Only(kind=query.kind, target=query.target)
        now = self.house.clock.machine_now()
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, query.said)
            found = await parked(tx, rows_max=ROWS_MAX + 1, behind=behind, only=only)
            names = [one.name for one in await target_reads.targets(tx, now=now)]
            processes = await presence.listing(tx, now)
        shown, last = cut(found, ROWS_MAX)
        page = self.console.drawing.page(
            "work",
            frame=frame,
            rows=[(parked_row(one), one.reason) for one in shown],
            kinds=sorted(PARKED_KINDS),
            targets=names,
            processes=processes,
            query=query,
            alike_max=ALIKE_ROWS_MAX,
            next=cursor(last.place) if last else "",
        )
        return html(page)

    async def _alike(self, call: Call) -> web.Response:
        form: AlikeForm = call.form
        said = await told(call, self._release_alike(form, call.actor))
        return see(f"{PATH}?{urlencode({'kind': form.kind, 'target': form.target, 'said': said})}")

    async def _release_alike(self, form: AlikeForm, actor: str) -> str:
        async with self.house.store.begin() as tx:
            count = await targets.release_alike(
                self.house, tx, form.kind, form.target, cause=form.cause, actor=actor
            )
        return f"{count} tried again."
