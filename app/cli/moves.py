"""`boxoffice device`: what happens to a box that is known, from the household to the scrap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from app.cli.actor import By, Reason, actor
from app.cli.speak import Json, say, tell, write

if TYPE_CHECKING:
    from app.desk.boxes import Back
    from app.desk.stock import BoxAt
    from app.wiring import House
    from gateway.inventory.model import Resource
    from runtime.store import Tx

WAREHOUSE = "warehouse"
Story: TypeAlias = "Callable[..., Awaitable[Resource]]"

Serial = Annotated[str, typer.Argument(help="The serial on the box's label.")]
On = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The local day, like 2026-03-31; today unless said."),
]
Condition = Annotated[
    str, typer.Option(help="How it is: good, faulty, damaged or scrap (docs/glossary.md).")
]
Note = Annotated[str, typer.Option(help="What else is to be said.")]
Place = Annotated[
    str, typer.Option(help="Where it lies: warehouse, or whose van (a sign-in name).")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands of this file."""
    group.command("activate")(activate)
    group.command("swap")(swap)
    group.command("return")(return_)
    group.command("restock")(restock)
    group.command("move")(move)
    group.command("lost")(lost)
    group.command("found")(found)
    group.command("scrap")(scrap)


def activate(
    serial: Serial, *, on: On = None, by: By = "", reason: Reason = "", as_json: Json = False
) -> None:
    """Note that a box works where it is. Again is harmless."""

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import boxes

        return await boxes.activate(house, tx, serial, on=day(on), actor=actor(by))

    moved(story, reason=reason, as_json=as_json)


def swap(
    old: Annotated[str, typer.Argument(help="The serial of the box the household has.")],
    new: Annotated[str, typer.Argument(help="The serial of the box that comes instead.")],
    *,
    condition: Condition = "",
    note: Note = "",
    place: Place = WAREHOUSE,
    on: On = None,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Give a household another box. The old one is returned."""

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import boxes

        return await boxes.swap(
            house,
            tx,
            old,
            new,
            by=boxes.By(actor=actor(by)),
            on=day(on),
            back=_back(condition, note, place),
        )

    moved(story, reason=reason, as_json=as_json)


def _coming_back(story_of: Callable[[], Story], words: str) -> Callable[..., None]:
    """Make the command of a box that comes back; `story_of` loads what it does."""

    def command(
        serial: Serial,
        *,
        condition: Condition = "",
        note: Note = "",
        place: Place = WAREHOUSE,
        on: On = None,
        by: By = "",
        reason: Reason = "",
        as_json: Json = False,
    ) -> None:
        async def story(house: House, tx: Tx) -> Resource:
            back = _back(condition, note, place)
            return await story_of()(house, tx, serial, actor=actor(by), on=day(on), back=back)

        moved(story, reason=reason, as_json=as_json)

    command.__doc__ = words
    return command


def _take_back() -> Story:
    from app.desk.boxes import take_back

    return take_back


def _find() -> Story:
    from app.desk.stock import find

    return find


return_ = _coming_back(_take_back, "Take a box back from whoever has it.")
found = _coming_back(_find, "Note a lost box as found.")


def restock(
    serial: Serial,
    *,
    place: Place = WAREHOUSE,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Put a returned box back in stock."""

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import stock

        return await stock.restock(house, tx, serial, actor=actor(by), place=place)

    moved(story, reason=reason, as_json=as_json)


def move(
    serial: Serial,
    place: Annotated[
        str, typer.Argument(help="Where it lies now: warehouse, or whose van (a sign-in name).")
    ],
    *,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Move a box between places of stock."""

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import boxes, stock

        return await stock.move(house, tx, serial, place, by=boxes.By(actor=actor(by)))

    moved(story, reason=reason, as_json=as_json)


def lost(
    serial: Serial,
    *,
    note: Annotated[str, typer.Option(help="What is known of it.")] = "",
    on: On = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Note a box as lost. Who had it stays written."""

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import stock

        return await stock.lose(house, tx, serial, actor=actor(by), on=day(on), note=note)

    moved(story, as_json=as_json)


def scrap(
    serial: Serial,
    *,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Write a box off for good."""

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import stock

        return await stock.scrap(house, tx, serial, actor=actor(by), note=note)

    moved(story, as_json=as_json)


def moved(
    step: Callable[[House, Tx], Awaitable[Resource]], *, reason: str = "", as_json: bool
) -> None:
    """Do something with one box in a transaction and say how it is now."""

    async def story(house: House, tx: Tx) -> tuple[BoxAt, str]:
        from app.desk import places
        from app.desk.boxes import holder_at
        from app.desk.stock import BoxAt

        box = await step(house, tx)
        holder = await holder_at(tx, box)
        there = await places.word(tx, box.place)
        return BoxAt(box=box, contract=holder.contract if holder else ""), there

    at, there = write(story, reason=reason)
    if as_json:
        tell(at)
        return
    whose = f", with {at.contract}" if at.contract else ""
    where = f", at {there}" if there else ""
    say(f"{at.box.serial} is {at.box.state}{whose}{where}")


def _back(condition: str, note: str, place: str) -> Back:
    from app.desk.boxes import Back
    from terms.facts import Condition as Word

    return Back(condition=Word.parse(condition), note=note, place=place)


def day(given: datetime | None) -> date | None:
    """Take the day of what was given."""
    return given.date() if given else None
