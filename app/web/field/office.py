"""What the owner arranges for technicians: jobs for them, boxes into their vans and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from app.desk import jobs as desk_jobs
from app.desk import places, stock
from app.desk.boxes import By
from app.desk.labels import read_label
from app.desk.names import Names, names
from app.desk.places import Places
from app.identity.roles import Right
from app.web.cursor import cursor, cut, read_cursor
from app.web.field.shapes import Event, Label, Note, Place, Short, event_of
from app.web.field.words import CONDITION_TONES
from app.web.page.fields import After, DoneQuery, NoFields
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import JOBS, why
from app.web.problem import problem_of
from app.web.route import Call, Form, Handler, Query, Route
from gateway.inventory import jobs, models, store
from gateway.inventory.jobs import NOTE_CHARS_MAX, JobKind, JobState
from gateway.inventory.model import Resource, ResourceState
from gateway.inventory.store import Line, Wanted
from runtime.store import Tx
from terms.errors import DomainError

JOBS_PATH = "/field/jobs"
STOCK_PATH = "/field/stock"
SHOWN_MAX = 200
SAID = {
    "opened": "The job is open.",
    "assigned": "The job is given.",
    "cancelled": "The job is cancelled.",
    "moved": "It lies there now.",
    "restocked": "Looked at, and back in stock.",
    "scrapped": "Written off for good.",
    "lost": "Noted as lost.",
}


class OpenForm(Form):
    """A job: what, where, by whom."""

    event: Event
    kind: Short
    contract: Short
    assignee: Short = ""
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""


class AssignForm(Form):
    """Who does it."""

    assignee: Short


class MoveForm(Form):
    """Which box lies where from now on."""

    serial: Label
    place: Place


class RestockForm(Form):
    """Which box was looked at and is good."""

    serial: Label


class GoneForm(Form):
    """Which box is gone, and what there is to say of it."""

    serial: Label
    note: Note = ""


class StockQuery(DoneQuery):
    """What lies where; behind which serial the list goes on; which box one wants to move."""

    place: Place = ""
    serial: Label = ""
    after: After = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackRow:
    """A box that came back: where it lies, from which contract, when, by whom, with which words."""

    box: Resource
    where: str
    contract: str
    at: datetime | None
    by: str
    note: str


class Office:
    """The pages of jobs and of stock, for whoever may move boxes."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        job = f"{JOBS_PATH}/{{id}}"
        return (
            self._page(JOBS_PATH, self._jobs, DoneQuery),
            self._page(STOCK_PATH, self._stock, StockQuery),
            self._form(JOBS_PATH, self._open, OpenForm),
            self._form(f"{job}/assign", self._assign, AssignForm),
            self._form(f"{job}/cancel", self._cancel, NoFields),
            self._form(f"{STOCK_PATH}/move", self._move, MoveForm),
            self._form(f"{STOCK_PATH}/restock", self._restock, RestockForm),
            self._form(f"{STOCK_PATH}/lost", self._lose, GoneForm),
            self._form(f"{STOCK_PATH}/scrap", self._scrap, GoneForm),
        )

    def _page(self, path: str, handler: Handler, query: type[Query]) -> Route:
        return Route(method="GET", path=path, policy=Right.MOVE_BOXES, handler=handler, query=query)

    def _form(self, path: str, handler: Handler, form: type[Form]) -> Route:
        return Route(method="POST", path=path, policy=Right.MOVE_BOXES, handler=handler, form=form)

    # -- jobs

    async def _jobs(self, call: Call) -> web.Response:
        return await self._page_of_jobs(call, OpenForm(event=event_of(call), kind="", contract=""))

    async def _open(self, call: Call) -> web.Response:
        form: OpenForm = call.form
        try:
            async with self.house.store.begin() as tx:
                await desk_jobs.open_job(
                    self.house,
                    tx,
                    kind=form.kind,
                    contract=form.contract.strip(),
                    assignee=form.assignee,
                    note=form.note.strip(),
                    actor=call.person.actor,
                    event=form.event,
                )
        except DomainError as error:
            return await self._page_of_jobs(call, form, error)
        return see(f"{JOBS_PATH}?done=opened")

    async def _assign(self, call: Call) -> web.Response:
        form: AssignForm = call.form
        try:
            async with self.house.store.begin() as tx:
                await desk_jobs.assign(
                    self.house, tx, call.part("id"), form.assignee, actor=call.person.actor
                )
        except DomainError as error:
            empty = OpenForm(event=event_of(call), kind="", contract="")
            return await self._page_of_jobs(call, empty, error)
        return see(f"{JOBS_PATH}?done=assigned")

    async def _cancel(self, call: Call) -> web.Response:
        async with self.house.store.begin() as tx:
            await desk_jobs.close(
                self.house, tx, call.part("id"), "cancelled", actor=call.person.actor
            )
        return see(f"{JOBS_PATH}?done=cancelled")

    async def _page_of_jobs(
        self, call: Call, form: OpenForm, error: DomainError | None = None
    ) -> web.Response:
        async with self.house.store.read() as tx:
            open_ = await jobs.listing(tx, state=JobState.OPEN, jobs_max=SHOWN_MAX)
            known = await places.load(tx)
            who = await names(tx, [job.service for job in open_])
        done = "" if error else SAID.get(getattr(call.query, "done", ""), "")
        return await self.phone.page(
            call,
            "field_jobs",
            said=why(error) if error else done,
            tone="bad" if error else "good",
            status=problem_of(error, call.id).status if error else 200,
            jobs=[
                (job, JOBS[job.kind], who.get(job.service), known.who(job.assignee))
                for job in open_
            ],
            kinds=[(kind.value, JOBS[kind]) for kind in JobKind],
            people=known.vans(),
            vans={one.actor for one in known.vans()},
            form=form,
        )

    # -- stock

    async def _stock(self, call: Call) -> web.Response:
        query: StockQuery = call.query
        (after,) = read_cursor(query.after, str) or ("",)
        return await self._page_of_stock(call, query.place, after, serial=query.serial)

    async def _move(self, call: Call) -> web.Response:
        form: MoveForm = call.form
        by = By(actor=call.person.actor)

        async def move(tx: Tx, serial: str) -> object:
            return await stock.move(self.house, tx, serial, form.place, by=by)

        return await self._done(call, move, "moved", place=form.place)

    async def _restock(self, call: Call) -> web.Response:
        async def restock(tx: Tx, serial: str) -> object:
            return await stock.restock(self.house, tx, serial, actor=call.person.actor)

        return await self._done(call, restock, "restocked")

    async def _lose(self, call: Call) -> web.Response:
        async def lose(tx: Tx, serial: str) -> object:
            told = {"actor": call.person.actor, "note": call.form.note}
            return await stock.lose(self.house, tx, serial, **told)

        return await self._done(call, lose, "lost")

    async def _scrap(self, call: Call) -> web.Response:
        async def scrap(tx: Tx, serial: str) -> object:
            told = {"actor": call.person.actor, "note": call.form.note}
            return await stock.scrap(self.house, tx, serial, **told)

        return await self._done(call, scrap, "scrapped")

    async def _done(
        self,
        call: Call,
        step: Callable[[Tx, str], Awaitable[object]],
        done: str,
        *,
        place: str = "",
    ) -> web.Response:
        """Do something with the box of a form; the page says what was done, or why it was not."""
        given: str = call.form.serial
        try:
            serial = read_label(given).serial
            async with self.house.store.begin() as tx:
                await step(tx, serial)
        except DomainError as error:
            return await self._page_of_stock(call, place, error=error, serial=given)
        return see(f"{STOCK_PATH}?done={done}")

    @staticmethod
    def _back(box: Resource, came: Line | None, known: Places, who: Names) -> BackRow:
        holder = who.get(came.service) if came and came.service else None
        return BackRow(
            box=box,
            where=known.word(box.place),
            contract=holder.contract if holder else "",
            at=came.at if came else None,
            by=known.who(came.actor) if came else "",
            note=came.note if came else "",
        )

    async def _page_of_stock(
        self,
        call: Call,
        place: str,
        after: str = "",
        *,
        error: DomainError | None = None,
        serial: str = "",
    ) -> web.Response:
        in_stock = Wanted(state=ResourceState.IN_STOCK, place=place)
        back, lost = Wanted(state=ResourceState.RETURNED), Wanted(state=ResourceState.LOST)
        async with self.house.store.read() as tx:
            gone = await stock.listing(tx, lost, after="", boxes_max=SHOWN_MAX)
            found = await stock.listing(tx, in_stock, after=after, boxes_max=SHOWN_MAX + 1)
            returned = await stock.listing(tx, back, after="", boxes_max=SHOWN_MAX)
            known = await places.load(tx)
            shelves = await store.shelves(tx)
            told = await models.load(tx) if error else {}
            came = await store.arrivals(tx, [at.box.id for at in returned])
            who = await names(tx, [line.service for line in came.values()])
        done = "" if error else SAID.get(getattr(call.query, "done", ""), "")
        shown, last = cut(found, SHOWN_MAX)
        return await self.phone.page(
            call,
            "field_stock",
            said=why(error) if error else done,
            tone="bad" if error else "good",
            status=problem_of(error, call.id).status if error else 200,
            stock=[(at.box, known.word(at.box.place)) for at in shown],
            returned=[self._back(at.box, came.get(at.box.id), known, who) for at in returned],
            lost=[(at.box, at.contract or known.word(at.box.place)) for at in gone],
            tones=CONDITION_TONES,
            next=cursor((last.box.serial,)) if last else "",
            place=place,
            places=known.worded(known.stocks(shelves)),
            filled=known.worded([*known.stocks(shelves), *shelves]),
            serial=serial,
            meant=_meant(models.meant(told, serial.strip()), place),
        )


def _meant(serial: str, place: str) -> dict[str, tuple[str, str]]:
    """Offer the serial that was meant, if one can tell, as a link that takes it."""
    href = f"{STOCK_PATH}?{urlencode({'serial': serial, 'place': place})}"
    return {"serial": (serial, href)} if serial else {}
