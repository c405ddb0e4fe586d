"""`boxoffice migrate`."""

from __future__ import annotations

import typer

from app.cli.speak import Json, guarded, say, settings, tell


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("migrate")(migrate)


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
