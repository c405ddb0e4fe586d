"""/field/: where a technician's day begins: his jobs, what anybody may take, his van."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from app.desk import places, stock, visits
from app.desk.names import names
from app.identity.roles import Right
from app.web.field.binding import Binding
from app.web.field.exchange import Exchange
from app.web.field.office import Office
from app.web.field.progress import Watching
from app.web.field.words import WAYS
from app.web.page.fields import DoneQuery, NoFields
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import JOBS
from app.web.route import Call, Handler, Route
from gateway.inventory import store
from gateway.inventory.jobs import Job, JobState
from gateway.inventory.model import IN_WORDS
from gateway.inventory.store import Wanted
from runtime.store import Tx

PATH = "/field/"
BOXES_MAX = 200
SAID = {
    "closed": "The job is done.",
    "returned": "Taken back: it lies in your van, to be looked at by the office.",
    "gone": "Somebody else was faster: that job is taken.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job as a line of a list."""

    job: Job
    what: str
    name: str
    phone: str


class Field:
    """The technician's pages."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house
        self.watching = Watching(phone)
        at_work = (self.watching, Binding(phone), Exchange(phone))
        self._others = (*at_work, Office(phone))

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        job = f"{PATH}jobs/{{id}}"
        here = Right.FIELD
        own = (
            Route(method="GET", path=PATH, policy=here, handler=self._home, query=DoneQuery),
            Route(method="GET", path="/field", policy=here, handler=_to_home),
            Route(method="GET", path=job, policy=here, handler=self._job, query=DoneQuery),
            self._button(f"{job}/take", self._take),
            self._button(f"{job}/close", self._close),
        )
        return (*own, *(route for page in self._others for route in page.routes()))

    def close(self) -> None:
        """Send away whoever still watches."""
        self.watching.live.close()

    def _button(self, path: str, handler: Handler) -> Route:
        return Route(
            method="POST",
            path=path,
            policy=Right.FIELD,
            handler=handler,
            form=NoFields,
        )

    async def _home(self, call: Call) -> web.Response:
        by = visits.by_of(call.person)
        async with self.house.store.read() as tx:
            work = await visits.work_of(tx, by)
            van = Wanted(place=call.person.actor)
            held = await stock.listing(tx, van, after="", boxes_max=BOXES_MAX)
            mine, free = await lines_of(tx, work.mine), await lines_of(tx, work.free)
        return await self.phone.page(
            call,
            "field",
            said=SAID.get(call.query.done, ""),
            person=call.person,
            mine=mine,
            free=free,
            van=[(at, IN_WORDS[at.box.state]) for at in held],
        )

    async def _job(self, call: Call) -> web.Response:
        by = visits.by_of(call.person)
        async with self.house.store.read() as tx:
            job = await visits.job_of(tx, by, call.part("id"))
            (line,) = await lines_of(tx, [job])
            boxes = (await store.by_service(tx, [job.service])).get(job.service, [])
            who = (await places.load(tx)).who(job.assignee)
        main = WAYS[job.kind]
        return await self.phone.page(
            call,
            "field_job",
            line=line,
            who=who,
            is_open=job.state is JobState.OPEN,
            is_mine=job.assignee == by.actor,
            main=main,
            others=[way for way in WAYS.values() if way != main],
            boxes=[(box, IN_WORDS[box.state]) for box in boxes],
        )

    async def _take(self, call: Call) -> web.Response:
        async with self.house.store.begin() as tx:
            job = await visits.take(self.house, tx, visits.by_of(call.person), call.part("id"))
        return see(f"{PATH}jobs/{job.id}")

    async def _close(self, call: Call) -> web.Response:
        by = visits.by_of(call.person)
        async with self.house.store.begin() as tx:
            await visits.close(self.house, tx, by, call.part("id"), JobState.DONE)
        return see(f"{PATH}?done=closed")


async def lines_of(tx: Tx, jobs: Sequence[Job]) -> list[JobLine]:
    """Make lines of jobs, with the names of their households."""
    who = await names(tx, [job.service for job in jobs])
    return [
        JobLine(
            job=job,
            what=JOBS[job.kind],
            name=who[job.service].name if job.service in who else "",
            phone=who[job.service].phone if job.service in who else "",
        )
        for job in jobs
    ]


async def _to_home(_call: Call) -> web.Response:
    return see(PATH)
