"""`boxoffice clock`: both times, and moving business time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, read, say, tell, write

if TYPE_CHECKING:
    from app.desk.clock import Times
    from app.wiring import House
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Show and move business time.", no_args_is_help=True)
    group.command("show")(show)
    group.command("advance")(advance)
    cli.add_typer(group, name="clock")


def show(*, as_json: Json = False) -> None:
    """Show business time and machine time."""

    async def story(house: House, tx: Tx) -> Times:
        from app.desk import clock

        return await clock.tell(house, tx)

    _print(read(story), as_json=as_json)


def advance(
    by: Annotated[str, typer.Argument(help="How far: 35d, 12h, 1w2d.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Move business time forward. Only where allow_time_travel is set."""

    async def story(house: House, tx: Tx) -> Times:
        from app.desk import clock

        return await clock.advance(house, tx, clock.parse_step(by), actor=actor())

    _print(write(story, reason=reason), as_json=as_json)


def _print(times: Times, *, as_json: bool) -> None:
    if as_json:
        tell(times)
        return
    say(f"business time  {times.business_now:%F %T} UTC")
    say(f"machine time   {times.machine_now:%F %T} UTC")
