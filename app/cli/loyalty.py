"""`boxoffice loyalty`: points of a household, and the code by which it brings others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.speak import Json, read, say, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.flows.loyalty import Spent
    from billing.reads.loyalty import LoyaltyView
    from runtime.store import Tx

group = typer.Typer(
    help="Points for what is paid, credit for who brings others.", no_args_is_help=True
)


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.add_typer(group, name="loyalty")


@group.command("join")
def join(contract: Contract, *, reason: Reason = "", as_json: Json = False) -> None:
    """Make a household a member: from now on it has points for what it pays."""

    async def story(house: House, tx: Tx) -> bool:
        from app.desk import loyalty

        return await loyalty.join(house, tx, contract, actor())

    is_new = write(story, reason=reason)
    if as_json:
        tell({"contract": contract, "is_new": is_new})
    else:
        say(f"{contract} is a member" + ("" if is_new else " already"))


@group.command("spend")
def spend(
    contract: Contract,
    points: Annotated[int, typer.Argument(min=1, help="How many points become credit.")],
    *,
    reference: Annotated[str, typer.Option(help="The same one again is the same deed.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Turn points into credit, which pays what is owed like money."""

    async def story(house: House, tx: Tx) -> Spent:
        from app.desk import loyalty

        return await loyalty.spend(house, tx, contract, actor(), points=points, reference=reference)

    done = write(story, reason=reason)
    if as_json:
        tell(done)
    else:
        again = "" if done.is_new else " (that was done before)"
        say(f"{done.points} points of {contract} are credit now, {done.left} are left{again}")


@group.command("code")
def code(contract: Contract, *, reason: Reason = "", as_json: Json = False) -> None:
    """Tell the code by which a household brings others."""

    async def story(house: House, tx: Tx) -> str:
        from app.desk import loyalty

        return await loyalty.code_of(house, tx, contract, actor())

    found = write(story, reason=reason)
    if as_json:
        tell({"contract": contract, "code": found})
    else:
        say(f"{contract} brings others by {found}")


@group.command("show")
def show(contract: Contract, *, as_json: Json = False) -> None:
    """Show a household's points and whom it has brought."""

    async def story(_: House, tx: Tx) -> LoyaltyView:
        from app.desk.boxes import holder_of
        from billing.reads import loyalty

        return await loyalty.of_account(tx, (await holder_of(tx, contract)).account)

    found = read(story)
    if as_json:
        tell(found)
        return
    say("no member" if found.points is None else f"{found.points} points")
    for one in found.entries:
        ends = f", until before {one.expires_on}" if one.expires_on else ""
        say(f"  {one.at:%Y-%m-%d} {one.points:+d} {one.kind.value.replace('_', ' ')}{ends}")
    say(f"brought {found.brought} households, {found.rewarded} of them have paid")
