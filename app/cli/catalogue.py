"""`boxoffice catalogue show`, `versions`, `diff`, `publish`: what is sold, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, complain, read, run, say, table, tell

if TYPE_CHECKING:
    from app.imports.publishing import Affected, Drafted
    from app.wiring import House
    from billing.catalog.document import Version
    from runtime.store import Tx

Paths = Annotated[
    list[Path], typer.Argument(help="catalogue.toml, its sheets, or a folder with them.")
]
VERSION_HELP = "A version by its edition or its name."
_DAYS = frozenset({"effective_from", "from_on", "until_on", "ends"})


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What is sold, at which prices and taxes.", no_args_is_help=True)
    group.command("show")(show)
    group.command("versions")(versions)
    group.command("diff")(diff)
    group.command("publish")(publish)
    cli.add_typer(group, name="catalogue")


def show(
    *,
    version: Annotated[str, typer.Option(help=f"{VERSION_HELP} What is published now.")] = "",
    as_json: Json = False,
) -> None:
    """Print the catalogue as a file that can be published again."""

    async def story(_: House, tx: Tx) -> Mapping[str, Any]:
        from billing.reads import catalog

        if version:
            return (await catalog.version(tx, version)).document
        return await catalog.document(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    for line in as_toml(found):
        say(line)


def versions(
    *,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what was published, the newest first."""

    async def story(_: House, tx: Tx) -> list[Version]:
        from billing.reads import catalog

        return await catalog.versions(tx, limit=limit)

    found = read(story)
    if as_json:
        tell([{"edition": v.edition, "name": v.name, "at": v.published_at} for v in found])
        return
    rows = [(str(v.edition), v.name, f"{v.published_at:%Y-%m-%d %H:%M}") for v in found]
    table(("EDITION", "NAME", "PUBLISHED (UTC)"), rows)


def diff(
    before: Annotated[str, typer.Argument(help=f"{VERSION_HELP} The last but one.")] = "",
    after: Annotated[str, typer.Argument(help=f"{VERSION_HELP} What is published now.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Say who pays what from when that was otherwise in an earlier version."""

    async def story(_: House, tx: Tx) -> list[Affected]:
        from app.imports.publishing import compare

        return await compare(tx, before, after)

    _tell_changes(read(story), as_json=as_json)


def publish(
    paths: Paths,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it and say what would change; no more.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Check a catalogue and publish it: all of it, or nothing. What it does not name stays."""

    async def story(house: House) -> Drafted:
        from app.imports.problems import Problems
        from app.imports.publishing import check_draft, publish_draft, read_draft

        problems = Problems()
        folder = read_draft(paths, problems)
        checked = await check_draft(house, folder, problems, actor())
        if dry_run or not checked.is_good:
            return checked
        problems = Problems()
        folder = read_draft(paths, problems)
        async with house.store.begin() as tx:
            return await publish_draft(house, tx, folder, problems, actor())

    found = run(story, reason=reason)
    if as_json:
        tell(found)
    elif found.is_good:
        _tell_changes(found.changes, as_json=False)
        say("nothing was published: a dry run" if dry_run else f"edition {found.edition}")
    if not found.is_good:
        for problem in () if as_json else found.problems:
            say(str(problem))
        count = len(found.problems)
        raise complain(f"nothing was published: {count} problem{'s' if count > 1 else ''}")


def _tell_changes(found: Sequence[Affected], *, as_json: bool) -> None:
    if as_json:
        tell(found)
        return
    for one in found:
        say(str(one))
    if not found:
        say("nothing is otherwise")


def as_toml(document: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Write a catalogue as TOML, line by line."""
    import json

    for name, rows in document.items():
        for row in rows:
            yield f"[[{name}]]"
            for key, value in row.items():
                is_day = key in _DAYS
                # A JSON text is a TOML one; only this character would be left as it is.
                text = value if is_day else json.dumps(value).replace("\x7f", "\\u007f")
                yield f"{key} = {text}"
            yield ""
