"""`boxoffice device`: boxes become known, are handed over and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import By, Reason, actor
from app.cli.moves import On, Serial, day, moved
from app.cli.moves import add_to as add_moves
from app.cli.speak import Json, check_word, complain, read, run, say, table, tell

if TYPE_CHECKING:
    from app.desk.places import Places
    from app.desk.stock import BoxAt, Story
    from app.imports.load import Outcome
    from app.wiring import House
    from gateway.inventory.model import Resource
    from gateway.reads.progress import Progress
    from runtime.store import Tx

SECRETS_BYTES_MAX = 16_384


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Boxes: stock, households, history.", no_args_is_help=True)
    group.command("register")(register)
    group.command("import")(import_)
    group.command("list")(listing)
    group.command("show")(show)
    add_moves(group)
    cli.add_typer(group, name="device")


def register(  # noqa: PLR0913 - one for each thing that is known of a box
    *,
    serial: Annotated[str, typer.Option(help="The serial on the box's label.")],
    account: Annotated[str, typer.Option(help="The household's contract.")],
    model: Annotated[str, typer.Option(help="Makes a box known that nobody knows yet.")] = "",
    mac: Annotated[str, typer.Option(help="Its MAC address, in any usual notation.")] = "",
    place: Annotated[str, typer.Option(help="Where it stands there.")] = "",
    address: Annotated[str, typer.Option(help="Where it is reached: host:port.")] = "",
    host_key: Annotated[str, typer.Option(help="The key it shows, where that is known.")] = "",
    secrets: Annotated[
        Path | None,
        typer.Option(help="A file of NAME=VALUE lines, such as password=...; - is standard input."),
    ] = None,
    on: On = None,
    event: Annotated[
        str, typer.Option(help="A number of your own: the same one again is done once.")
    ] = "",
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Register a box for a household: it is known, handed over and may show its first key."""
    given = _secrets(secrets)

    async def story(house: House, tx: Tx) -> Resource:
        from app.desk import boxes, registration

        wanted = registration.Registration(
            serial=serial,
            contract=account,
            model=model,
            mac=mac,
            place=place,
            on=day(on),
            address=address,
            host_key=host_key,
            secrets=given,
            event=event,
        )
        return await registration.register(house, tx, wanted, by=boxes.By(actor=actor(by)))

    moved(story, reason=reason, as_json=as_json)


def import_(
    path: Annotated[Path, typer.Argument(help="The purchase list: a file like boxes.csv.")],
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Take the good rows, list what was left.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take a purchase list. All of it, or nothing (docs/reference/import.md)."""

    async def story(house: House) -> Outcome:
        from app.imports.load import import_boxes, import_good_boxes

        return await (import_good_boxes if skip_bad else import_boxes)(house, path, actor())

    from app.cli.importing import report

    report(run(story, reason=reason), as_json=as_json)


def listing(
    *,
    state: Annotated[
        str, typer.Option(help="Only boxes in this state (docs/reference/boxes.md).")
    ] = "",
    place: Annotated[str, typer.Option(help="Only boxes at this place, or in whose van.")] = "",
    model: Annotated[str, typer.Option(help="Only boxes of this model.")] = "",
    after: Annotated[str, typer.Option(help="Only serials behind this one.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=5000, help="How many.")] = 100,
    as_json: Json = False,
) -> None:
    """List boxes in order of their serials."""
    from gateway.inventory.model import ResourceState

    check_word("--state", state, ResourceState)

    async def story(_: House, tx: Tx) -> tuple[list[BoxAt], Places]:
        from app.desk import places, stock
        from gateway.inventory.store import Wanted

        wanted = Wanted(state=state, place=place, model=model)
        found = await stock.listing(tx, wanted, after=after, boxes_max=limit)
        return found, await places.load(tx)

    boxes, known = read(story)
    if as_json:
        tell(boxes)
        return
    rows = [
        (box.serial, box.model, box.state.value, one.contract, known.word(box.place))
        for one in boxes
        for box in [one.box]
    ]
    table(("serial", "model", "is", "with", "at"), rows)


def show(serial: Serial, *, as_json: Json = False) -> None:
    """Show a box and all that has happened to it."""

    async def story(house: House, tx: Tx) -> tuple[Story, Places]:
        from app.desk import places, stock

        return await stock.story(house, tx, serial), await places.load(tx)

    found, known = read(story)
    if as_json:
        tell(found)
        return
    box = found.at.box
    whose = f", with {found.at.contract}" if found.at.contract else ""
    where = f", at {known.word(box.place)}" if box.place else ""
    how = f" ({box.condition})" if box.condition else ""
    say(f"{box.serial} is a {box.model}, {box.state}{how}{whose}{where}; MAC {box.mac or 'none'}")
    rows = [
        (
            f"{line.at:%Y-%m-%d %H:%M}",
            line.on.isoformat() if line.on else "",
            line.action,
            line.state.value,
            found.contracts.get(line.service, "") if line.service else "",
            known.word(line.place),
            known.who(line.actor),
            ": ".join(part for part in (line.condition, line.note) if part),
        )
        for line in found.lines
    ]
    table(("when (UTC)", "day there", "what", "then", "with", "at", "by", "note"), rows)
    _show_progress(found.progress)


def _show_progress(progress: Progress) -> None:
    """Show what the box and its portals have answered, and what is awaited."""
    if progress.lines:
        say("")
        rows = [
            (
                line.about.value,
                line.mark.value,
                f"{line.at:%Y-%m-%d %H:%M:%S}" if line.at else "",
                line.answer,
            )
            for line in progress.lines
        ]
        table(("what", "is", "at (UTC)", "answer"), rows)
    say(f"{progress.stage}: {progress.advice}")
    for number, step in enumerate(progress.steps, 1):
        say(f"  {number}. {step}")


def _secrets(path: Path | None) -> dict[str, str]:
    """Read NAME=VALUE lines. A message never repeats a line."""
    if path is None:
        return {}
    import sys

    try:
        text = sys.stdin.read(SECRETS_BYTES_MAX) if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise complain(f"{path} cannot be read: {type(error).__name__}") from None
    given: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, mark, value = line.partition("=")
        if line.strip() and not mark:
            raise complain(f"{path}, line {number}: is not NAME=VALUE")
        if mark:
            given[name.strip()] = value.strip()
    return given
