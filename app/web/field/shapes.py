"""What forms and links of the field bring along, and how a page says what went wrong."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from app.desk.boxes import Back
from app.desk.labels import LABEL_CHARS_MAX
from app.web.page.fields import DoneQuery
from app.web.page.phone import Phone
from app.web.page.words import why
from app.web.problem import problem_of
from app.web.route import Call, Form, Query
from gateway.inventory import models
from gateway.inventory.events import EVENT_CHARS_MAX
from gateway.inventory.model import PLACE_CHARS_MAX
from gateway.inventory.moving import NOTE_CHARS_MAX
from terms.errors import DomainError
from terms.facts import Condition

Label = Annotated[str, Field(max_length=2 * LABEL_CHARS_MAX)]
Short = Annotated[str, Field(max_length=80)]
Place = Annotated[str, Field(max_length=PLACE_CHARS_MAX)]
Note = Annotated[str, Field(max_length=NOTE_CHARS_MAX)]
Event = Annotated[str, Field(min_length=1, max_length=EVENT_CHARS_MAX)]


class VisitQuery(DoneQuery):
    """Under which job, or at which contract, and which box."""

    job: Short = ""
    contract: Short = ""
    serial: Label = ""


class SwapQuery(Query):
    """Under which job, and which box for which."""

    job: Short = ""
    old: Label = ""
    new: Label = ""


class BoxForm(Form):
    """Which box, and from which job one came."""

    serial: Label
    job: Short = ""


class RegisterForm(Form):
    """A registration somebody has looked at; `event` makes it one deed however often it comes."""

    event: Event
    serial: Label
    contract: Short
    job: Short = ""
    model: Short = ""
    mac: Short = ""
    place: Place = ""


class Returned(Form):
    """In what condition a box comes back, and what there is to say of it."""

    event: Event
    job: Short = ""
    condition: Short = ""
    note: Note = ""

    @property
    def back(self) -> Back:
        """Give it as it is written down. Raises Invalid for a condition that is no word of ours."""
        return Back(condition=Condition.parse(self.condition), note=" ".join(self.note.split()))


class ReturnForm(Returned):
    """Which box comes back."""

    serial: Label


class SwapForm(Returned):
    """Which box is given for which."""

    old: Label
    new: Label


def event_of(call: Call) -> str:
    """Make the number of a deed, for the form that asks for it."""
    return call.house.chance.token(18)


async def refuse(
    phone: Phone, call: Call, template: str, error: DomainError, **values: Any
) -> web.Response:
    """Draw a form again with the sentence that says why it was not done and what to do."""
    status = problem_of(error, call.id).status
    meant = await proposed(phone, call) if call.request.method == "GET" else {}
    return await phone.page(
        call, template, said=why(error), tone="bad", status=status, meant=meant, **values
    )


async def proposed(phone: Phone, call: Call) -> dict[str, tuple[str, str]]:
    """Find serials that were meant, by the field that was mistyped, each with a link that takes it.

    Where the serial is right, or nobody can say which one was meant, there is none.
    """
    async with phone.house.store.read() as tx:
        told = await models.load(tx)
    given = {name: call.request.query.get(name, "").strip() for name in ("serial", "old", "new")}
    found = {name: models.meant(told, text) for name, text in given.items() if text}
    return {
        name: (serial, str(call.request.rel_url.update_query({name: serial})))
        for name, serial in found.items()
        if serial
    }
