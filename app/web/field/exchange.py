"""A box comes back from a household, alone or in exchange for another one.

Before anything is changed one page says what will be; sent again it is the same deed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from app.desk import boxes, visits
from app.desk.labels import read_label
from app.web.field.binding import MINUTES, box_url
from app.web.field.shapes import ReturnForm, SwapForm, SwapQuery, VisitQuery, event_of, refuse
from app.web.field.words import CONDITIONS, STATES
from app.web.people.phone import Phone, see
from app.web.route import Call, Policy, Route
from gateway.inventory import store
from gateway.inventory.jobs import Job
from gateway.inventory.model import Resource
from runtime.store import Tx
from terms.errors import DomainError, InvalidTransition


class Exchange:
    """The forms, the pages that say what will be, and the deeds."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        here = Policy.TECHNICIAN
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
                old, holder = await visits.check_returnable(tx, read_label(query.old).serial)
                new = await boxes.known(tx, read_label(query.new).serial)
                await _check_swap(tx, old, new, by)
        except DomainError as error:
            return await refuse(self.phone, call, "field_swap", error, **values)
        return await self.phone.page(
            call,
            "field_swap_check",
            old=old,
            new=new,
            holder=holder,
            job=job,
            conditions=CONDITIONS,
            minutes=MINUTES,
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
                box, holder = await visits.check_returnable(tx, read_label(query.serial).serial)
        except DomainError as error:
            return await refuse(self.phone, call, "field_return", error, **values)
        is_other = job is not None and holder is not None and holder.contract != job.contract
        return await self.phone.page(
            call,
            "field_return_check",
            said="Mind: this box is of another household than the job." if is_other else "",
            tone="bad",
            box=box,
            state=STATES[box.state],
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
        return job, [(box, STATES[box.state]) for box in found]


async def _check_swap(tx: Tx, old: Resource, new: Resource, by: boxes.By) -> None:
    """Raise what the deed would raise, before anybody unplugs anything."""
    if not old.is_held:
        raise InvalidTransition(f"box {old.serial} is lost: take it back instead")
    if old.id == new.id:
        raise InvalidTransition(f"box {old.serial} cannot be given for itself: scan the new one")
    holder = await boxes.holder_at(tx, old)
    if holder is not None:
        await boxes.check_free(tx, new, holder)
    await boxes.check_reach(tx, new, by)
