"""`boxoffice migrate` and `boxoffice database`: the database's shape, and a change of engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import Json, guarded, run, say, settings, tell

if TYPE_CHECKING:
    from app.wiring import House


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("migrate")(migrate)
    group = typer.Typer(help="Move from one database to another.", no_args_is_help=True)
    group.callback()(_group)
    group.command("copy")(copy)
    cli.add_typer(group, name="database")


def _group() -> None:
    """Keep the only command's name: the library would drop it."""


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
