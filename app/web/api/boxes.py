"""/boxes: known, handed over, taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.desk import boxes
from app.web.api.shapes import PREFIX, Contract, OptionalText, Serial, Text
from app.web.route import Body, Call, Policy, Route
from gateway.inventory.flows import NewBox
from gateway.inventory.model import Resource

ACTOR = "api"


class Box(Body):
    """A box as its label says."""

    serial: Serial
    model: Text
    mac: str = ""


class HandOver(Body):
    """To whom, and from which local day on (today unless said)."""

    contract: Contract
    on: date | None = None


class Return(Body):
    """Since which local day (today unless said), and in what condition."""

    on: date | None = None
    condition: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxView:
    """A box and where it is."""

    serial: str
    model: str
    mac: str | None
    state: str

    @classmethod
    def of(cls, box: Resource) -> BoxView:
        """Show a box."""
        return cls(serial=box.serial, model=box.model, mac=box.mac, state=box.state.value)


async def register(call: Call) -> BoxView:
    """Make a box known, in stock."""
    box = NewBox(serial=call.body.serial, model=call.body.model, mac=call.body.mac or None)
    async with call.house.store.begin() as tx:
        return BoxView.of(await boxes.register(call.house, tx, box, ACTOR))


async def hand_over(call: Call) -> BoxView:
    """Give a box to a household."""
    async with call.house.store.begin() as tx:
        moved = await boxes.hand_over(
            call.house,
            tx,
            call.part("serial"),
            call.body.contract,
            on=call.body.on,
            actor=ACTOR,
        )
        return BoxView.of(moved)


async def take_back(call: Call) -> BoxView:
    """Take a box back."""
    async with call.house.store.begin() as tx:
        moved = await boxes.take_back(
            call.house,
            tx,
            call.part("serial"),
            on=call.body.on,
            condition=call.body.condition,
            actor=ACTOR,
        )
        return BoxView.of(moved)


ROUTES = (
    Route(
        method="POST",
        path=f"{PREFIX}/boxes",
        policy=Policy.TOKEN,
        handler=register,
        body=Box,
        answer=BoxView,
        status=201,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/boxes/{{serial}}/hand-over",
        policy=Policy.TOKEN,
        handler=hand_over,
        body=HandOver,
        answer=BoxView,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/boxes/{{serial}}/return",
        policy=Policy.TOKEN,
        handler=take_back,
        body=Return,
        answer=BoxView,
    ),
)
