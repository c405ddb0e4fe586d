"""/boxes: known, with whom they are, what happens to them from the shelf to the scrap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import boxes, stock
from app.desk.boxes import Back, By
from app.desk.stock import BoxAt, Story
from app.web.api.shapes import Contract, Day, Mac, OptionalText, Page, Paging, Serial, Text, page
from app.web.api.ways import change, look
from app.web.route import Body, Call
from gateway.inventory.flows import NewBox
from gateway.inventory.model import WAREHOUSE, Resource, ResourceState
from gateway.inventory.moving import NOTE_CHARS_MAX
from gateway.inventory.store import Line, Wanted
from gateway.reads.progress import Progress
from runtime.store import Tx
from terms.facts import Condition
from terms.ids import ServiceId

Place = Annotated[OptionalText, Field(max_length=80)]
Note = Annotated[OptionalText, Field(max_length=NOTE_CHARS_MAX)]


class StockBox(Body):
    """A box as its label says, and where it lies."""

    serial: Serial
    model: Text
    mac: Mac = ""
    place: Place = WAREHOUSE


class HandOver(Body):
    """To whom, and from which local day on (today unless said)."""

    contract: Contract
    on: Day | None = None


class Return(Body):
    """Since which local day (today unless said), in what condition, and where it lies now.

    `note` is what there is to say of it besides.
    """

    on: Day | None = None
    condition: Condition | None = None
    note: Note = ""
    place: Place = WAREHOUSE

    @property
    def back(self) -> Back:
        """Give how it comes back."""
        return Back(condition=self.condition, note=self.note, place=self.place)


class Swap(Return):
    """Which box comes instead; the rest tells of the old one."""

    new: Serial


class On(Body):
    """On which local day (today unless said)."""

    on: Day | None = None


class At(Body):
    """Where it lies from now on: a warehouse, or whose van, by sign-in name or id."""

    place: Place = WAREHOUSE


class Gone(Body):
    """Why, for whoever reads it later."""

    note: Note = ""


class Lost(Gone):
    """Since which local day (today unless said), and what is known of it."""

    on: Day | None = None


class BoxQuery(Paging):
    """Which boxes: in a state, at a place, of a model."""

    state: Annotated[str, Field(pattern=f"^({'|'.join(ResourceState)})$")] | None = None
    place: Annotated[OptionalText, Field(max_length=80)] = ""
    model: Annotated[OptionalText, Field(max_length=64)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxView:
    """A box and where it is; `contract` is the household that has it.

    `condition` is how it came back, until it goes on.
    """

    serial: str
    model: str
    mac: str | None
    state: str
    place: str
    condition: Condition | None
    contract: str | None

    @classmethod
    def of(cls, at: BoxAt) -> BoxView:
        """Show a box."""
        box = at.box
        return cls(
            serial=box.serial,
            model=box.model,
            mac=box.mac,
            state=box.state.value,
            place=box.place,
            condition=box.condition,
            contract=at.contract or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of a box's history. `on` is the household's local day, `at` the machine's time."""

    n: int
    action: str
    state: str
    place: str
    contract: str | None
    actor: str
    at: datetime
    on: date | None
    condition: Condition | None
    note: str

    @classmethod
    def of(cls, line: Line, contracts: dict[ServiceId, str]) -> LineView:
        """Show a line."""
        return cls(
            n=line.n,
            action=line.action,
            state=line.state.value,
            place=line.place,
            contract=contracts.get(line.service) if line.service else None,
            actor=line.actor,
            at=line.at,
            on=line.on,
            condition=line.condition,
            note=line.note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxStory:
    """A box, all that has happened to it, the oldest first, and how far it has come."""

    box: BoxView
    history: list[LineView]
    progress: Progress

    @classmethod
    def of(cls, story: Story) -> BoxStory:
        """Show it."""
        lines = [LineView.of(line, story.contracts) for line in story.lines]
        return cls(box=BoxView.of(story.at), history=lines, progress=story.progress)


async def view(tx: Tx, box: Resource) -> BoxView:
    """Show a box as it is after a deed."""
    holder = await boxes.holder_at(tx, box)
    return BoxView.of(BoxAt(box=box, contract=holder.contract if holder else ""))


async def listing(call: Call) -> Page[BoxView]:
    """List boxes in order of their serials."""
    query: BoxQuery = call.query
    wanted = Wanted(state=query.state or "", place=query.place, model=query.model)
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await stock.listing(tx, wanted, after=after, boxes_max=query.limit + 1)
    return page(found, query.limit, BoxView.of, lambda at: (at.box.serial,))


async def show(call: Call) -> BoxStory:
    """Show a box with its history."""
    async with call.house.store.read() as tx:
        return BoxStory.of(await stock.story(call.house, tx, call.part("serial")))


async def register(call: Call, tx: Tx) -> BoxView:
    """Make a box known, in stock."""
    told: StockBox = call.body
    box = NewBox(serial=told.serial, model=told.model, mac=told.mac or None, place=told.place)
    return await view(tx, await boxes.register(call.house, tx, box, call.actor))


async def hand_over(call: Call, tx: Tx) -> BoxView:
    """Give a box to a household."""
    serial, told = call.part("serial"), call.body
    moved = await boxes.hand_over(
        call.house, tx, serial, told.contract, on=told.on, actor=call.actor
    )
    return await view(tx, moved)


async def activate(call: Call, tx: Tx) -> BoxView:
    """Note that a box works where it is."""
    serial, told = call.part("serial"), call.body
    moved = await boxes.activate(call.house, tx, serial, on=told.on, actor=call.actor)
    return await view(tx, moved)


async def swap(call: Call, tx: Tx) -> BoxView:
    """Give a household another box for the one it has; answers the new one."""
    old, told = call.part("serial"), call.body
    moved = await boxes.swap(
        call.house,
        tx,
        old,
        told.new,
        by=By(actor=call.actor),
        on=told.on,
        back=told.back,
    )
    return await view(tx, moved)


async def take_back(call: Call, tx: Tx) -> BoxView:
    """Take a box back."""
    return await _comes_back(call, tx, boxes.take_back)


async def restock(call: Call, tx: Tx) -> BoxView:
    """Put a returned box back in stock."""
    serial, place = call.part("serial"), call.body.place
    moved = await stock.restock(call.house, tx, serial, actor=call.actor, place=place)
    return await view(tx, moved)


async def move(call: Call, tx: Tx) -> BoxView:
    """Move a box between places of stock: the warehouse, or a technician's van."""
    serial, place = call.part("serial"), call.body.place
    moved = await stock.move(call.house, tx, serial, place, by=By(actor=call.actor))
    return await view(tx, moved)


async def lose(call: Call, tx: Tx) -> BoxView:
    """Note a box as lost."""
    serial, told = call.part("serial"), call.body
    moved = await stock.lose(call.house, tx, serial, actor=call.actor, on=told.on, note=told.note)
    return await view(tx, moved)


async def find(call: Call, tx: Tx) -> BoxView:
    """Note a lost box as found."""
    return await _comes_back(call, tx, stock.find)


async def _comes_back(call: Call, tx: Tx, story: Callable[..., Awaitable[Resource]]) -> BoxView:
    serial, told = call.part("serial"), call.body
    box = await story(call.house, tx, serial, actor=call.actor, on=told.on, back=told.back)
    return await view(tx, box)


async def scrap(call: Call, tx: Tx) -> BoxView:
    """Write a box off for good."""
    serial, note = call.part("serial"), call.body.note
    return await view(tx, await stock.scrap(call.house, tx, serial, actor=call.actor, note=note))


ROUTES = (
    look("boxes", listing, Page[BoxView], query=BoxQuery),
    change("boxes", register, BoxView, body=StockBox, status=201, problems=[404]),
    look("boxes/{serial}", show, BoxStory),
    change("boxes/{serial}/hand-over", hand_over, BoxView, body=HandOver),
    change("boxes/{serial}/activate", activate, BoxView, body=On),
    change("boxes/{serial}/swap", swap, BoxView, body=Swap),
    change("boxes/{serial}/return", take_back, BoxView, body=Return),
    change("boxes/{serial}/restock", restock, BoxView, body=At),
    change("boxes/{serial}/move", move, BoxView, body=At),
    change("boxes/{serial}/lost", lose, BoxView, body=Lost),
    change("boxes/{serial}/found", find, BoxView, body=Return),
    change("boxes/{serial}/scrap", scrap, BoxView, body=Gone),
)
