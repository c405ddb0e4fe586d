"""`boxoffice pause`, `resume`: a household's service rests for some days."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.moves import day
from app.cli.speak import Json, say, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.subscriptions.model import Pause
    from runtime.store import Tx

Contract = Annotated[str, typer.Argument(help="The household's contract.")]
_DAY = ["%Y-%m-%d"]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("pause")(pause)
    cli.command("resume")(resume)


def pause(
    contract: Contract,
    begins: Annotated[
        datetime | None,
        typer.Argument(formats=_DAY, help="The first day of rest; today unless said."),
    ] = None,
    ends: Annotated[
        datetime | None,
        typer.Argument(formats=_DAY, help="The day it goes on; without one, until resumed."),
    ] = None,
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Let a service rest: dark, and not charged where its terms say so."""

    async def story(house: House, tx: Tx) -> Pause:
        from app.desk import rests

        return await rests.pause(
            house,
            tx,
            contract,
            actor(),
            begins=day(begins),
            ends=day(ends),
            reason=reason,
        )

    _told(contract, write(story), as_json=as_json)


def resume(
    contract: Contract,
    on: Annotated[
        datetime | None, typer.Argument(formats=_DAY, help="The day it goes on; today unless said.")
    ] = None,
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Let a service's rest end."""

    async def story(house: House, tx: Tx) -> Pause:
        from app.desk import rests

        return await rests.resume(house, tx, contract, actor(), on=day(on), reason=reason)

    _told(contract, write(story), as_json=as_json)


def _told(contract: str, made: Pause, *, as_json: bool) -> None:
    if as_json:
        tell({"contract": contract, "begins": made.from_on, "ends": made.until_on})
    else:
        say(f"{contract} rests from {made.from_on} to {made.until_on or 'the day it is resumed'}")
