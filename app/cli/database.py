"""`boxoffice migrate` and `boxoffice database`: the database's shape, and a change of engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, guarded, run, say, settings, tell

if TYPE_CHECKING:
    from app.wiring import House


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("migrate")(migrate)
    group = typer.Typer(help="What is done with the database as a whole.", no_args_is_help=True)
    group.command("copy")(copy)
    group.command("reseal")(reseal)
    cli.add_typer(group, name="database")


def migrate(*, as_json: Json = False) -> None:
    """Bring the database to this version's shape. Also makes the first API token."""
    import asyncio

    from app.shape import bring_up

    found = settings()
    before, after = guarded(lambda: asyncio.run(bring_up(found)), found)
    if as_json:
        tell({"before": before, "after": after})
    elif before == after:
        say(f"The database is at {after} already.")
    else:
        say(f"The database went from {before or 'nothing'} to {after}.")


def copy(
    file: Annotated[Path, typer.Argument(help="The SQLite file, `boxoffice.db` of a data folder.")],
    *,
    as_json: Json = False,
) -> None:
    """Copy everything from a SQLite file into the empty PostgreSQL of the settings.

    Stop every process first, and run `boxoffice migrate` on both with this version. The settings
    need the master key of the file. All is copied or nothing; the file is not changed.
    """

    async def story(house: House) -> dict[str, int]:
        from app.copying import copy_from

        return await copy_from(house, file)

    copied = run(story)
    if as_json:
        tell({"rows": copied})
    else:
        held = sum(1 for rows in copied.values() if rows)
        say(f"Copied {sum(copied.values())} rows of {held} tables; counts and sums are the same.")


def reseal(*, reason: Reason = "", as_json: Json = False) -> None:
    """Have the first master key of the settings seal every secret of the database.

    For a change of key: first give every process both keys, the new one in front, then run this;
    afterwards the old one is needed for backups alone.
    """

    async def story(house: House) -> dict[str, int]:
        from app.sealing import seal_anew

        return await seal_anew(house, actor())

    sealed = run(story, reason=reason)
    if as_json:
        tell({"sealed": sealed})
    elif any(sealed.values()):
        told = ", ".join(f"{count} {what}" for what, count in sealed.items())
        say(f"Sealed with the first key now: {told}.")
    else:
        say("Everything is sealed with the first key already.")
