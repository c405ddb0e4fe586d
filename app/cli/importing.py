"""`boxoffice import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, complain, run, say, tell

if TYPE_CHECKING:
    from app.imports.load import Outcome
    from app.wiring import House

SHOWN_MAX = 50


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("import")(import_)


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or a folder with them.")],
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Take the good rows, list what was left.")
    ] = False,
    seal_anew: Annotated[
        bool,
        typer.Option(
            "--seal-anew",
            help="The master key is lost for good: take operator.toml's secrets for the lost ones.",
        ),
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take an operator over from files. All of it, or nothing (docs/reference/import.md)."""

    async def story(house: House) -> Outcome:
        import os

        from app.imports.load import import_good_rows, import_paths

        take = import_good_rows if skip_bad else import_paths
        return await take(house, paths, os.environ, actor())

    from app.shape import open_house, open_to_seal_anew

    report(
        run(story, open_to_seal_anew if seal_anew else open_house, reason=reason), as_json=as_json
    )


def report(outcome: Outcome, *, as_json: bool) -> None:
    """Say what an import did; ends with 1 where it took nothing."""
    if as_json:
        tell(outcome)
    else:
        _print(outcome)
    if not outcome.taken:
        count = outcome.problems_count
        raise complain(f"nothing was imported: {count} problem{'s' if count > 1 else ''}")


def _print(outcome: Outcome) -> None:
    for problem in outcome.problems[:SHOWN_MAX]:
        say(str(problem))
    if outcome.problems_count > SHOWN_MAX:
        say(f"... and {outcome.problems_count - SHOWN_MAX} more (--json lists more)")
    for warning in outcome.warnings[:SHOWN_MAX]:
        say(f"warning: {warning}")
    if not outcome.taken:
        return
    if outcome.problems_count:
        say(f"Left out what is listed above ({outcome.problems_count}); the rest was imported.")
    for file in dict.fromkeys((*outcome.new, *outcome.unchanged)):
        new, same = outcome.new.get(file, 0), outcome.unchanged.get(file, 0)
        say(f"{file}: {new} imported" + (f", {same} known already" if same else ""))
