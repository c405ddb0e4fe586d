"""/console/dunning: who would be told, suspended and restored if nobody paid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import BeforeValidator, Field

from app.desk.dunning import outlook
from app.identity.roles import Right
from app.web.page.reply import html
from app.web.route import Call, Query, Route
from billing.dunning.model import AFTER_DAYS_MAX, Action, Ladder, Step
from billing.dunning.segment import Segment, Segments
from billing.reads import catalog
from billing.reads.dunning import DAYS_MAX

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/dunning"
_AfterDays = Annotated[int, Field(ge=0, le=AFTER_DAYS_MAX)]


class OutlookQuery(Query):
    """How many days to look ahead, and after how many days a ladder would suspend."""

    days: Annotated[int, Field(ge=0, le=DAYS_MAX)] = 30
    suspend: Annotated[_AfterDays | None, BeforeValidator(lambda text: text or None)] = None


class Dunned:
    """The page."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        return (
            Route(
                method="GET",
                path=PATH,
                policy=Right.RUN_BUSINESS,
                handler=self._show,
                query=OutlookQuery,
            ),
        )

    async def _show(self, call: Call) -> web.Response:
        asked: OutlookQuery = call.query
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call)
            rules = await catalog.segments(tx)
            wished = _suspending(rules, asked.suspend)
            found = await outlook(self.house, tx, wished, days=asked.days)
        return html(self.console.drawing.page("dunning", frame=frame, asked=asked, found=found))


def _suspending(rules: Segments, after_days: int | None) -> Segments:
    """Let every ladder that suspends do so after other days."""
    if after_days is None:
        return rules
    return Segments({name: _with(one, after_days) for name, one in rules.each.items()})


def _with(one: Segment, after_days: int) -> Segment:
    if not one.ladder.of(Action.SUSPEND):
        return one
    others = [step for step in one.ladder.steps if step.action is not Action.SUSPEND]
    suspend = Step(after_days=after_days, action=Action.SUSPEND)
    return replace(one, ladder=Ladder((*others, suspend)))
