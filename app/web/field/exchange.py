"""A box comes back from a household, alone or in exchange for another one.

Before anything is changed one page says what will be; sent again it is the same deed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from app.desk import visits
from app.desk.labels import read_label
from app.identity.roles import Right
from app.web.field.binding import MINUTES, box_url
from app.web.field.shapes import ReturnForm, SwapForm, SwapQuery, VisitQuery, event_of, refuse
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.page.words import CONDITIONS
from app.web.route import Call, Route
from gateway.inventory import store
from gateway.inventory.jobs import Job
from gateway.inventory.model import IN_WORDS, Resource
from runtime.store import Tx
from terms.errors import DomainError


class Exchange:
    """The forms, the pages that say what will be, and the deeds."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        here = Right.FIELD
        swap, back = "/field/swap", "/field/return"
        return (
            Route(method="GET", path=swap, policy=here, handler=self._ask_swap, query=SwapQuery),
            Route(method="POST", path=swap, policy=here, handler=self._swap, form=SwapForm),
            Route(method="GET", path=back, policy=here, handler=self._ask_back, query=VisitQuery),
            Route(method="POST", path=back, policy=here, handler=self._take_back, form=ReturnForm),
        )

    async def _ask_swap(self, call: Call) -> web.Response:
        """Ask for both boxes; with both, say what will be."""
        query: SwapQuery = call.query
        by = visits.by_of(call.person)
        values: dict[str, Any] = {"job": None, "held": [], "old": query.old, "new": query.new}
        try:
            async with self.house.store.read() as tx:
                job, values["held"] = await self._held(tx, call, query.job)
                values["job"] = job
                if not (query.old and query.new):
                    return await self.phone.page(call, "field_swap", **values)
                old, new = read_label(query.old).serial, read_label(query.new).serial
                found = await visits.check_swap(self.house, tx, old, new, by=by)
        except DomainError as error:
            return await refuse(self.phone, call, "field_swap", error, **values)
        return await self.phone.page(
            call,
            "field_swap_check",
            old=found.old,
            new=found.new,
            holder=found.holder,
            job=job,
            conditions=CONDITIONS,
            minutes=MINUTES if found.pins_key else 0,
            event=event_of(call),
        )

    async def _swap(self, call: Call) -> web.Response:
        form: SwapForm = call.form
        by = visits.by_of(call.person)
        try:
            async with self.house.store.begin() as tx:
                if form.job:
                    await visits.job_of(tx, by, form.job)
                await visits.swap(
                    self.house,
                    tx,
                    form.old,
                    form.new,
                    by=by,
                    back=form.back,
                    event=form.event,
                )
        except DomainError as error:
            values: dict[str, Any] = {"job": None, "held": [], "old": form.old, "new": form.new}
            return await refuse(self.phone, call, "field_swap", error, **values)
        return see(box_url(form.new, form.job, "swapped"))

    async def _ask_back(self, call: Call) -> web.Response:
        """Ask for the box; with it, say whose it is and ask how it looks."""
        query: VisitQuery = call.query
        values: dict[str, Any] = {"job": None, "held": [], "serial": query.serial}
        try:
            async with self.house.store.read() as tx:
                job, values["held"] = await self._held(tx, call, query.job)
                values["job"] = job
                if not query.serial:
                    return await self.phone.page(call, "field_return", **values)
                serial = read_label(query.serial).serial
                by = visits.by_of(call.person)
                box, holder = await visits.check_returnable(self.house, tx, by, serial)
        except DomainError as error:
            return await refuse(self.phone, call, "field_return", error, **values)
        is_other = job is not None and holder is not None and holder.contract != job.contract
        return await self.phone.page(
            call,
            "field_return_check",
            said="Mind: this box is of another household than the job." if is_other else "",
            tone="bad",
            box=box,
            state=IN_WORDS[box.state],
            holder=holder,
            job=job,
            conditions=CONDITIONS,
            event=event_of(call),
        )

    async def _take_back(self, call: Call) -> web.Response:
        form: ReturnForm = call.form
        try:
            async with self.house.store.begin() as tx:
                await visits.take_back(
                    self.house,
                    tx,
                    form.serial,
                    by=visits.by_of(call.person),
                    back=form.back,
                    event=form.event,
                    job=form.job,
                )
        except DomainError as error:
            values: dict[str, Any] = {"job": None, "held": [], "serial": form.serial}
            return await refuse(self.phone, call, "field_return", error, **values)
        return see("/field/?done=returned")

    async def _held(
        self, tx: Tx, call: Call, id_: str
    ) -> tuple[Job | None, Sequence[tuple[Resource, str]]]:
        """Find the job, and the boxes of its household to choose from."""
        if not id_:
            return None, []
        by = visits.by_of(call.person)
        holder, job = await visits.holder_for(tx, by, job=id_, contract="")
        found = (await store.by_service(tx, [holder.service])).get(holder.service, [])
        return job, [(box, IN_WORDS[box.state]) for box in found]
