"""`boxoffice purchase`: what households buy once: titles for a while, visits, fees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, check_word, read, say, table, tell, write
from billing.subscriptions.model import Activation

if TYPE_CHECKING:
    from app.wiring import House
    from billing.reads.purchases import PurchaseView
    from runtime.store import Tx

Contract = Annotated[str, typer.Argument(help="The household's contract.")]
Key = Annotated[str, typer.Argument(help="As the list shows it.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What households buy once.", no_args_is_help=True)
    group.command("sell")(sell)
    group.command("list")(listing)
    group.command("watched")(watched)
    group.command("give-back")(give_back)
    cli.add_typer(group, name="purchase")


def sell(
    contract: Contract,
    offering: Annotated[str, typer.Argument(help="Code of something that is bought once.")],
    *,
    ref: Annotated[
        str, typer.Option(help="Your own number of the sale: the same again is the same sale.")
    ],
    quantity: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    activation: Annotated[
        str, typer.Option(help="When a title opens: paid or open; unsaid, as the terms do.")
    ] = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sell something once to a household."""
    check_word("--activation", activation, list(Activation))

    async def story(house: House, tx: Tx) -> PurchaseView:
        from app.desk import selling
        from billing.flows.purchase import Order

        order = Order(
            offering=offering,
            source="cli",
            ref=ref,
            quantity=quantity,
            activation=Activation(activation) if activation else None,
        )
        return await selling.sell(house, tx, contract, order, actor(), reason=reason)

    _told(write(story), as_json=as_json)


def listing(
    contract: Contract,
    *,
    after: Annotated[str, typer.Option(help="Only those behind this purchase.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 100,
    as_json: Json = False,
) -> None:
    """List what a household has bought once, the newest first."""

    async def story(house: House, tx: Tx) -> list[PurchaseView]:
        from billing.reads import purchases

        now = await house.clock.business_now(tx)
        return await purchases.of_contract(tx, contract, now, after=after, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.id,
            one.offering,
            f"{one.amount}",
            one.state.value,
            f"{one.until_at:%Y-%m-%d %H:%M}" if one.until_at else "",
            one.invoice or f"by {one.bill_on}",
        )
        for one in found
    ]
    table(("purchase", "offering", "net", "is", "until (UTC)", "billed"), rows)


def watched(purchase: Key, *, reason: Reason = "", as_json: Json = False) -> None:
    """Note that a title is being watched: from then on it is kept."""

    async def story(house: House, tx: Tx) -> PurchaseView:
        from app.desk import selling

        return await selling.note_watched(house, tx, purchase, actor())

    _told(write(story, reason=reason), as_json=as_json)


def give_back(purchase: Key, *, reason: Reason = "", as_json: Json = False) -> None:
    """Take a sale back that nobody has watched: what was charged for it is credited."""

    async def story(house: House, tx: Tx) -> PurchaseView:
        from app.desk import selling

        return await selling.give_back(house, tx, purchase, actor(), reason=reason)

    _told(write(story), as_json=as_json)


def _told(one: PurchaseView, *, as_json: bool) -> None:
    if as_json:
        tell(one)
    else:
        say(f"{one.id}: {one.quantity} x {one.name} for {one.contract}, {one.state.value}")
