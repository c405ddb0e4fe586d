"""`boxoffice token`: what programs call the HTTP API by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, guarded, read, say, table, tell, write

if TYPE_CHECKING:
    from app.identity.tokens import Scope, Token
    from app.wiring import House
    from runtime.store import Tx

Name = Annotated[str, typer.Argument(help="What the token is called: the program that has it.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Say which programs may call the HTTP API.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(listing)
    group.command("revoke")(revoke)
    cli.add_typer(group, name="token")


def add(
    name: Name,
    *,
    scope: Annotated[str, typer.Option(help="read looks alone, write does everything.")] = "write",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once."""
    wanted = guarded(lambda: _scope(scope))

    async def story(house: House, tx: Tx) -> str:
        from app.identity import tokens

        now = house.clock.machine_now()
        return await tokens.add(tx, name, wanted, actor=actor(), chance=house.chance, now=now)

    made = write(story, reason=reason)
    if as_json:
        tell({"name": name, "scope": wanted, "token": made})
    else:
        say(made)


def listing(*, as_json: Json = False) -> None:
    """List the tokens, with their last use to the minute, and since when one opens nothing."""

    async def story(_: House, tx: Tx) -> list[Token]:
        from app.identity import tokens

        return await tokens.listing(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.name,
            one.scope.value,
            f"{one.made_at:%F %T}",
            f"{one.last_used_at:%F %H:%M}" if one.last_used_at else "never",
            f"{one.revoked_at:%F %T}" if one.revoked_at else "",
        )
        for one in found
    ]
    table(("token", "may", "made", "last used", "revoked"), rows)


def revoke(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Let a token open nothing any more, from now on."""

    async def story(house: House, tx: Tx) -> None:
        from app.identity import tokens

        await tokens.revoke(tx, name, actor=actor(), now=house.clock.machine_now())

    write(story, reason=reason)
    if as_json:
        tell({"name": name, "revoked": True})
    else:
        say(f"{name} opens nothing any more")


def _scope(text: str) -> Scope:
    from app.identity.tokens import Scope
    from terms.errors import Invalid

    try:
        return Scope(text)
    except ValueError:
        raise Invalid("scope", f"one of {', '.join(Scope)}") from None
