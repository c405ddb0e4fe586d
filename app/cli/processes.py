"""`boxoffice processes`: what runs on this database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from app.cli.speak import Json, read, table, tell

if TYPE_CHECKING:
    from app.wiring import House
    from runtime.presence import Process
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(processes)


def processes(*, as_json: Json = False) -> None:
    """List the processes, and those that fell silent in the last ten minutes."""

    async def story(house: House, tx: Tx) -> list[Process]:
        from runtime import presence

        return list(await presence.listing(tx, house.clock.machine_now()))

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.role,
            one.host,
            str(one.pid),
            one.version,
            f"{one.started_at:%F %T}",
            f"{one.seen_at:%F %T}",
            "silent" if one.is_silent else "",
        )
        for one in found
    ]
    table(("role", "host", "pid", "version", "since (UTC)", "seen (UTC)", ""), rows)
