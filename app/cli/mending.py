"""`boxoffice message`: tell one household something, on its screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.speak import Json, run, table, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.wiring import House
    from gateway.provisioning.operate import Performed


def add_to(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(message)


def message(
    contract: Contract,
    text: Annotated[str, typer.Argument(help="What stands on the screen.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Show a text on the screens of a household, once; a box that calls may take an hour for it."""

    async def story(house: House) -> Sequence[Performed]:
        from app.desk import mending
        from runtime.chance import new_id

        id_ = new_id(house.clock.machine_now(), house.chance)
        return await mending.tell(house, contract, text, id=id_, actor=actor())

    done = run(story, reason=reason)
    if as_json:
        tell(done)
        return
    table(("target", "ended", "why"), [(o.target, o.outcome.value, o.error) for o in done])
