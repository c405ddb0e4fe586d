"""`boxoffice audit` and `audit-link`: who did what to whom and why, and what proves it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import Json, read, run, say, table, tell

if TYPE_CHECKING:
    from app.desk.auditing import Told
    from app.wiring import House
    from runtime.store import Tx
    from runtime.store.chain import Link

# What a column of numbers holds.
N_MAX = 2**63 - 1


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("audit")(audit)
    cli.command("audit-link")(audit_link)


def audit(
    *,
    subject: Annotated[
        str, typer.Option(help="Done to this: a contract, a serial, somebody's name, clock, ...")
    ] = "",
    actor: Annotated[
        str, typer.Option(help="Done by this one: a name to sign in with, cli:USER, api:TOKEN.")
    ] = "",
    since: Annotated[datetime | None, typer.Option(help="Done since then, in UTC.")] = None,
    before: Annotated[
        int | None, typer.Option(min=1, max=N_MAX, help="Done before the deed of this number.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show who did what, to whom, why, and what was so before and after."""

    async def story(_: House, tx: Tx) -> list[Told]:
        from app.desk.auditing import Sought, reading

        at = since.replace(tzinfo=UTC) if since else None
        sought = Sought(subject=subject, actor=actor, since=at)
        return await reading(tx, sought, deeds_max=limit, behind=before)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            str(one.position),
            f"{one.at:%F %T}",
            one.who,
            one.action,
            one.whom,
            " -> ".join(part for part in (one.before, one.after) if part),
            one.reason,
        )
        for one in found
    ]
    table(("number", "at (UTC)", "by", "did", "to", "before -> after", "why"), rows)
    if len(found) == limit:
        say(f"(earlier ones: --before {found[-1].position})")


def audit_link(
    n: Annotated[
        int | None,
        typer.Argument(min=1, max=N_MAX, help="The number of the link; the newest unless said."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Tell a link of the chain of deeds, to be kept elsewhere: nobody can change what it says."""

    async def story(house: House) -> Link:
        from app.desk import linking

        return await linking.tell(house, n)

    found = run(story)
    if as_json:
        tell(found)
    else:
        say(f"{found.n} {found.digest}")
