"""The page of one box: what itself and its portals have answered and when, kept fresh.

Only somebody whose box it is may look; a feed ends after a minute, and the browser asks anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web

from app.desk import boxes, places, stock, visits
from app.identity.roles import Right
from app.web.field.binding import box_url
from app.web.field.shapes import BoxForm, VisitQuery
from app.web.field.words import ABOUT, MARKS, STAGES
from app.web.live import Live
from app.web.page.fields import PartsQuery
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import Tone
from app.web.problem import BadRequest
from app.web.route import Call, Route
from gateway.inventory import store
from gateway.inventory.model import IN_WORDS, Resource
from gateway.reads.progress import Progress, Stage
from runtime.store import Tx

PATH = "/field/box"
WATCHERS_MAX = 200
LASTS_S = 60.0
SAID = {
    "bound": "Registered. Plug it in and watch it answer.",
    "swapped": "Swapped: the old one lies in your van. Plug the new one in and watch it answer.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """A line of the page."""

    what: str
    tone: Tone
    word: str
    answer: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A box's progress as the page shows it, in the household's zone."""

    tone: Tone
    word: str
    advice: str
    steps: tuple[str, ...]
    lines: tuple[ShownLine, ...]
    bound_at: datetime | None
    since: datetime | None
    zone: str


class Watching:
    """The page, its feed, and the button that has the box asked again."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house
        self.live = Live(
            self._draw, self.house.store.outages, watchers_max=WATCHERS_MAX, lasts_s=LASTS_S
        )

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        here = Right.FIELD
        events, ask = f"{PATH}/events", f"{PATH}/ask"
        return (
            Route(method="GET", path=PATH, policy=here, handler=self._show, query=VisitQuery),
            Route(method="GET", path=events, policy=here, handler=self._events, query=PartsQuery),
            Route(method="POST", path=ask, policy=here, handler=self._ask, form=BoxForm),
        )

    async def _show(self, call: Call) -> web.Response:
        query: VisitQuery = call.query
        by = visits.by_of(call.person)
        async with self.house.store.read() as tx:
            box = await visits.box_for(self.house, tx, by, query.serial)
            job = await visits.job_of(tx, by, query.job) if query.job else None
            holder = await boxes.holder_at(tx, box)
            place = (await places.load(tx)).word(box.place)
            progress = await stock.progress(self.house, tx, box)
            shown = await self._shown(tx, box, progress)
        is_over = progress.stage in {Stage.PROVEN, Stage.AWAY}
        return await self.phone.page(
            call,
            "field_box",
            said="" if is_over else SAID.get(query.done, ""),
            box=box,
            state=IN_WORDS[box.state],
            place=place,
            holder=holder,
            job=job,
            shown=shown,
            is_over=is_over,
            is_asked=query.done == "asked" and not is_over,
            again=box_url(box.serial, query.job),
        )

    async def _ask(self, call: Call) -> web.Response:
        form: BoxForm = call.form
        by = visits.by_of(call.person)
        async with self.house.store.begin() as tx:
            box = await visits.box_for(self.house, tx, by, form.serial)
            await visits.ask_again(self.house, tx, box, by.actor)
        return see(box_url(box.serial, form.job, "asked"))

    async def _events(self, call: Call) -> web.StreamResponse:
        serial = call.query.parts
        async with self.house.store.read() as tx:
            await visits.box_for(self.house, tx, visits.by_of(call.person), serial)
        if self.live.is_full:
            raise BadRequest(503, "too many watch", "reload the page to see what is new")
        return await self.live.feed(
            call.request, {serial: serial}, partial(self.house.keeper.is_in, call.signed_in)
        )

    async def _draw(self, wanted: frozenset[str]) -> Mapping[str, str]:
        drawn = {}
        async with self.house.store.read() as tx:
            for serial, box in (await store.by_serial(tx, wanted)).items():
                progress = await stock.progress(self.house, tx, box)
                shown = await self._shown(tx, box, progress)
                drawn[serial] = self.phone.drawing.part("progress", shown=shown)
        return drawn

    async def _shown(self, tx: Tx, box: Resource, progress: Progress) -> Shown:
        holder = await boxes.holder_at(tx, box)
        tone, word = STAGES[progress.stage]
        return Shown(
            tone=tone,
            word=word,
            advice=progress.advice,
            steps=tuple(progress.steps),
            lines=tuple(
                ShownLine(
                    what=ABOUT[line.about],
                    tone=MARKS[line.mark][0],
                    word=MARKS[line.mark][1],
                    answer=line.answer,
                    at=line.at,
                )
                for line in progress.lines
            ),
            bound_at=progress.bound_at,
            since=progress.since,
            zone=holder.zone if holder else "UTC",
        )
