"""/portal/boxes: the boxes of a household, what it calls them, and their restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.desk import household_boxes as boxes
from app.desk import mending
from app.identity.door import TooOften
from app.identity.guesses import Pace
from app.web.leading import PORTAL
from app.web.page.fields import DoneQuery, OnceForm
from app.web.page.once import beside, in_one
from app.web.page.phone import Phone
from app.web.page.reply import refused, see
from app.web.page.words import Tone
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from gateway.inventory.model import ResourceState
from gateway.inventory.naming import NAME_CHARS_MAX
from gateway.provisioning.operate import Performed
from gateway.provisioning.orders import Outcome
from runtime.store import Tx
from terms.errors import DomainError

PATH = f"{PORTAL}/boxes"
ENDING_CHARS = 4
NAMES = Pace(at_once=30, every=timedelta(minutes=1))
RESTARTS = Pace(at_once=1, every=timedelta(minutes=5))
SAID: Mapping[str, tuple[str, Tone]] = {
    "named": ("The name is kept.", "good"),
    "restarted": ("Restarting: the picture is gone for a minute or two.", "good"),
    "soon": ("The restart is on its way: it comes when the box calls next.", "good"),
    "unsure": ("It may be restarting: nobody has answered. Wait a moment before you go on.", "bad"),
    "failed": ("It cannot be reached just now. Switch it off and on by hand.", "bad"),
    "none": ("No box of yours can be restarted from here. Switch it off and on by hand.", "bad"),
    "wait": ("It was restarted only just now. Wait five minutes before the next one.", "bad"),
}
# Of boxes that a household has; one that its portal answers for is never seen to work itself.
STATES: Mapping[ResourceState, tuple[Tone, str]] = {
    ResourceState.ASSIGNED: ("calm", "with you"),
    ResourceState.ACTIVE: ("good", "working"),
}
# The first that fits any of the answers is told.
_RESULTS = (
    (Outcome.DONE, "restarted"),
    (Outcome.PENDING, "soon"),
    (Outcome.UNKNOWN, "unsure"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxCard:
    """A box of the household. `ending` is the end of its serial, enough to find it by its label."""

    id: str
    name: str
    model: str
    ending: str
    state: str
    tone: Tone


class NameForm(OnceForm):
    """What the box is called from now on; empty takes the name away."""

    name: Annotated[str, Field(max_length=200)] = ""


class Boxes:
    """The page and its forms."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        theirs, name, restart = Policy.SUBSCRIBER, f"{PATH}/{{id}}/name", f"{PATH}/restart"
        return (
            Route(method="GET", path=PATH, policy=theirs, handler=self._show, query=DoneQuery),
            Route(method="POST", path=name, policy=theirs, handler=self._name, form=NameForm),
            Route(method="POST", path=restart, policy=theirs, handler=self._restart, form=OnceForm),
        )

    async def _show(self, call: Call) -> web.Response:
        said, tone = SAID.get(call.query.done, ("", "good"))
        return await self._page(call, said, tone)

    async def _page(
        self, call: Call, said: str = "", tone: Tone = "good", status: int = 200
    ) -> web.Response:
        async with self.house.store.read() as tx:
            found = await boxes.held(tx, call.subscriber.service)
        cards = tuple(
            BoxCard(
                id=box.id,
                name=name,
                model=box.model,
                ending=box.serial[-ENDING_CHARS:],
                state=STATES[box.state][1],
                tone=STATES[box.state][0],
            )
            for box, name in found
        )
        return await self.phone.page(
            call,
            "portal_boxes",
            said=said,
            tone=tone,
            status=status,
            boxes=cards,
            name_chars_max=NAME_CHARS_MAX,
        )

    async def _name(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            await boxes.one_held(tx, call.subscriber.service, call.part("id"))
        try:
            await self.house.subscribers.take({f"name {call.subscriber.id}": NAMES})
            await in_one(call, _named)
        except (BadRequest, DomainError) as error:
            return await self._page(call, *refused(error))
        return see(f"{PATH}?done=named")

    async def _restart(self, call: Call) -> web.Response:
        try:
            word = await beside(call, _restarted)
        except BadRequest as error:
            return await self._page(call, *refused(error))
        return see(f"{PATH}?done={word}")


async def _named(call: Call, tx: Tx) -> str:
    form: NameForm = call.form
    one = call.subscriber
    box = await boxes.one_held(tx, one.service, call.part("id"))
    return await boxes.call(call.house, tx, one.service, box, form.name, actor=call.actor)


async def _restarted(call: Call) -> str:
    house, one = call.house, call.subscriber
    try:
        await house.subscribers.take({f"restart {one.id}": RESTARTS})
    except TooOften:
        return "wait"
    return _word(await mending.restart(house, one.contract, id=call.once, actor=call.actor))


def _word(done: Sequence[Performed]) -> str:
    if not done:
        return "none"
    found = {each.outcome for each in done}
    return next((word for outcome, word in _RESULTS if outcome in found), "failed")
