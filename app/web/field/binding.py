"""A box is registered at a household: choose, scan, see what it means, bind, watch it prove itself.

Until the last form is sent nothing is changed; sent again it is the same deed.
"""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from app.desk import registration, visits
from app.desk.labels import read_label
from app.desk.registration import Plausible, Registration
from app.identity.roles import Right
from app.web.field.shapes import RegisterForm, VisitQuery, event_of, refuse
from app.web.field.words import picture
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.route import Call, Route
from billing.reads.accounts import Holder
from gateway.inventory.jobs import Job
from gateway.inventory.logins import CLAIM_WINDOW
from gateway.inventory.model import IN_WORDS
from terms.errors import DomainError

PATH = "/field/register"
MINUTES = int(CLAIM_WINDOW.total_seconds() // 60)


def box_url(serial: str, job: str = "", done: str = "") -> str:
    """Give the address of a box's page."""
    given = {"serial": serial, "job": job, "done": done}
    return f"/field/box?{urlencode({name: text for name, text in given.items() if text})}"


class Binding:
    """The form, the page of plausibility, and the deed."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        here = Right.FIELD
        return (
            Route(method="GET", path=PATH, policy=here, handler=self._ask, query=VisitQuery),
            Route(method="POST", path=PATH, policy=here, handler=self._bind, form=RegisterForm),
        )

    async def _ask(self, call: Call) -> web.Response:
        """Ask for household and box; with both, say what a registration would mean."""
        query: VisitQuery = call.query
        by = visits.by_of(call.person)
        job: Job | None = None
        holder: Holder | None = None
        try:
            async with self.house.store.read() as tx:
                if query.job or query.contract:
                    given = {"job": query.job, "contract": query.contract}
                    holder, job = await visits.holder_for(tx, by, **given)
                if holder is None or not query.serial:
                    return await self._form(call, query, job, _named(holder))
                label = read_label(query.serial)
                wanted = Registration(
                    serial=label.serial, contract=holder.contract, model=label.model, mac=label.mac
                )
                found = await registration.check(self.house, tx, wanted, by=by)
        except DomainError as error:
            values = {
                "contract": query.contract,
                "serial": query.serial,
                "household": _named(holder),
            }
            return await refuse(self.phone, call, "field_register", error, job=job, **values)
        return await self._plausible(call, found, wanted, job)

    async def _form(
        self, call: Call, query: VisitQuery, job: Job | None, household: str
    ) -> web.Response:
        return await self.phone.page(
            call,
            "field_register",
            job=job,
            contract=query.contract,
            serial=query.serial,
            household=household,
        )

    async def _plausible(
        self, call: Call, found: Plausible, wanted: Registration, job: Job | None
    ) -> web.Response:
        return await self.phone.page(
            call,
            "field_check",
            box=found.box,
            state=IN_WORDS[found.box.state],
            holder=found.holder,
            wanted=wanted,
            job=job,
            picture=picture(found.rights, found.watched),
            minutes=MINUTES if found.pins_key else 0,
            event=event_of(call),
        )

    async def _bind(self, call: Call) -> web.Response:
        form: RegisterForm = call.form
        by = visits.by_of(call.person)
        wanted = Registration(
            serial=form.serial,
            contract=form.contract,
            model=form.model,
            mac=form.mac,
            place=form.place,
            event=form.event,
        )
        try:
            async with self.house.store.begin() as tx:
                if form.job:
                    await visits.job_of(tx, by, form.job)
                await registration.register(self.house, tx, wanted, by=by)
        except DomainError as error:
            values = {
                "job": None,
                "contract": form.contract,
                "serial": form.serial,
                "household": "",
            }
            return await refuse(self.phone, call, "field_register", error, **values)
        return see(box_url(form.serial, form.job, "bound"))


def _named(holder: Holder | None) -> str:
    return f"{holder.name}, {holder.contract}" if holder else ""
