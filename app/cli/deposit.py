"""`boxoffice deposit`: what is held for rented boxes, and what a person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import By, Reason, actor
from app.cli.amounts import typed
from app.cli.speak import Json, read, say, table, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.flows.release import Released
    from billing.reads.rentals import DepositView
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Deposits held for rented boxes.", no_args_is_help=True)
    group.command("list")(listing)
    group.command("release")(release)
    cli.add_typer(group, name="deposit")


def listing(
    *,
    contract: Annotated[str, typer.Option(help="Only those of this household.")] = "",
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only those that wait for a person.")
    ] = False,
    after: Annotated[str, typer.Option(help="Only those behind this rental.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 100,
    as_json: Json = False,
) -> None:
    """List the deposits that are held."""

    async def story(_: House, tx: Tx) -> list[DepositView]:
        from billing.reads import rentals

        return await rentals.held(
            tx, contract=contract, is_waiting=waiting, after=after, limit=limit
        )

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.rental.id,
            one.contract,
            one.rental.serial,
            f"{one.rental.deposit}",
            str(one.rental.deposit_since or ""),
            one.rental.ending.value if one.rental.ending else "rented",
            "waits for a person" if one.rental.is_waiting else "",
        )
        for one in found
    ]
    table(("rental", "contract", "box", "held", "since", "is", ""), rows)


def release(
    rental: Annotated[str, typer.Argument(help="As the list shows it.")],
    *,
    keep: Annotated[
        str, typer.Option(help="What is kept of it for good, like 12.50; nothing unless said.")
    ] = "0",
    reason: Reason = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Give a deposit back that waits for a person, or keep a part of it."""

    async def story(house: House, tx: Tx) -> Released:
        from app.desk import deposits

        kept = typed(keep, "keep")
        return await deposits.release(house, tx, rental, keep=kept, reason=reason, actor=actor(by))

    done = write(story)
    if as_json:
        tell(done)
        return
    again = "" if done.is_new else " (that was decided before)"
    say(f"of the deposit of {done.serial} {done.kept} is kept, {done.freed} given back{again}")
