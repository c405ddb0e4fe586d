"""`boxoffice vouchers`: batches of prepaid cards, what dealers owe, and redeeming a code."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.amounts import typed
from app.cli.speak import Json, complain, guarded, read, say, table, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.flows.vouchers import MadeBatch, Redeemed
    from billing.reads.vouchers import DealerView
    from billing.vouchers.model import Batch
    from runtime.store import Tx

Name = Annotated[str, typer.Argument(help="Name of the batch.")]
FROM_INPUT = "-"


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Prepaid cards that dealers sell.", no_args_is_help=True)
    group.command("make")(make)
    group.command("list")(list_)
    group.command("dealers")(dealers)
    group.command("activate")(activate)
    group.command("stop")(stop)
    group.command("redeem")(redeem)
    cli.add_typer(group, name="vouchers")


def make(
    name: Name,
    value: Annotated[str, typer.Argument(help="What a card is worth, like 20.00.")],
    *,
    count: Annotated[int, typer.Option(help="How many cards, 10000 at most.")],
    valid_until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which they are valid.")
    ],
    dealer: Annotated[str, typer.Option(help="Who sells them.")],
    margin: Annotated[
        str, typer.Option(help="What the dealer keeps: 7.5%, or parts in a million: 75000.")
    ] = "0%",
    currency: Annotated[str, typer.Option(help="The operator's unless said.")] = "",
    prefix: Annotated[str, typer.Option(help="What each code begins with, 6 at most.")] = "",
    csv: Annotated[
        Path | None, typer.Option(help="A new file for the codes; none: they are printed here.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="A new file to print the cards from.")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Make a batch. Its codes are told this once; it is good for nothing until it is activated."""

    async def story(house: House, tx: Tx) -> tuple[MadeBatch, str]:
        from app.desk import business, vouchers
        from billing.flows.vouchers import BatchOrder

        known = await business.know(tx)
        order = BatchOrder(
            name=name,
            value=vouchers.read_value(typed(value, "value"), currency or known.currency),
            count=count,
            valid_until=valid_until.date(),
            dealer=dealer,
            margin=vouchers.read_margin(margin),
            prefix=prefix,
        )
        made = await vouchers.make(house, tx, order, actor=actor(), reason=reason)
        _begin_files(made, csv, sheet, begun)  # before the commit: a full disk makes no batch
        return made, known.name

    begun: list[Path] = []
    try:
        made, operator = write(story)
    except BaseException:
        for file in begun:
            file.unlink()
        raise
    if sheet:
        _draw(made, operator, sheet)
    _tell_made(made, csv, as_json=as_json)


def list_(
    *,
    after: Annotated[str, typer.Option(help="Only those behind this batch.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the batches, the newest first."""

    async def story(_: House, tx: Tx) -> list[Batch]:
        from billing.reads import vouchers

        behind = vouchers.place_of(await vouchers.one(tx, after)) if after else None
        return await vouchers.listing(tx, limit=limit, behind=behind)

    found = read(story)
    if as_json:
        tell(found)
        return
    heads = ("batch", "dealer", "value", "cards", "redeemed", "void", "valid until", "state")
    table(
        heads,
        [
            (
                *(one.name, one.dealer, f"{one.value}", str(one.count), str(one.redeemed)),
                *(str(one.void), str(one.valid_until), one.state.value),
            )
            for one in found
        ],
    )


def dealers(*, as_json: Json = False) -> None:
    """Tell of each dealer what was made, activated and redeemed, its margin and what it owes."""

    async def story(_: House, tx: Tx) -> list[DealerView]:
        from billing.reads import vouchers

        return await vouchers.dealers(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    heads = ("dealer", "made", "activated", "redeemed", "void", "value", "margin", "owes")
    table(
        heads,
        [
            (
                *(one.dealer, str(one.made), str(one.activated), str(one.redeemed), str(one.void)),
                *(str(one.sold), str(one.earned), f"{one.owed}"),
            )
            for one in found
        ],
    )


def activate(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Let the cards of a batch be redeemed from now on."""

    async def story(house: House, tx: Tx) -> Batch:
        from app.desk import vouchers

        return await vouchers.activate(house, tx, name, actor=actor(), reason=reason)

    batch = write(story)
    if as_json:
        tell(batch)
    else:
        say(f"{batch.name} is active: {batch.count} cards of {batch.value}")


def stop(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Make all cards of a batch void that are not redeemed, for good."""

    async def story(house: House, tx: Tx) -> Batch:
        from app.desk import vouchers

        return await vouchers.stop(house, tx, name, actor=actor(), reason=reason)

    batch = write(story)
    if as_json:
        tell(batch)
    else:
        say(f"{batch.name} is stopped: {batch.redeemed} were redeemed, {batch.void} are void")


def redeem(
    contract: Contract,
    code: Annotated[str, typer.Argument(help="The code on the card; - reads it from the input.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take the money of a card for a household, once."""
    typed = sys.stdin.readline() if code == FROM_INPUT else code

    async def story(house: House, tx: Tx) -> Redeemed:
        from app.desk import vouchers
        from billing.vouchers import code as codes

        plain = codes.read(typed)
        return await vouchers.redeem(house, tx, contract, plain, actor=actor(), reason=reason)

    done = write(story)
    if as_json:
        tell(done)
        return
    was = "is taken" if done.is_new else "was taken before: nothing changed"
    say(f"{done.value} of voucher {done.serial} {was}")


def _begin_files(made: MadeBatch, csv: Path | None, sheet: Path | None, begun: list[Path]) -> None:
    """Write the list, and make the file of the sheet, which takes longer to draw."""
    from app.desk import voucher_paper as paper

    try:
        for file, text in ((csv, paper.listed(made)), (sheet, "")):
            if file:
                paper.write_private(file, text)
                begun.append(file)
    except FileExistsError as error:
        raise complain(f"there is a file {error.filename} already: nothing was made") from None


def _draw(made: MadeBatch, operator: str, sheet: Path) -> None:
    """Draw the sheet, with no transaction open: nobody waits for ten thousand pictures."""
    from app.desk import voucher_paper as paper

    guarded(lambda: sheet.write_text(paper.sheet(made, operator), "utf-8"))


def _tell_made(made: MadeBatch, csv: Path | None, *, as_json: bool) -> None:
    from app.desk import voucher_paper as paper

    batch = made.batch
    if as_json:
        cards = [] if csv else [{"serial": one, "code": code} for one, code in paper.cards(made)]
        tell({"batch": batch, "cards": cards})
    elif csv:
        say(f"{batch.name} is made: {batch.count} cards of {batch.value}, not active yet")
    else:
        sys.stdout.write(paper.listed(made))
