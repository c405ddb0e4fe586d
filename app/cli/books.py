"""`boxoffice pay`, `promise`: money over the counter, a link to the provider's page, or a word."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.amounts import typed
from app.cli.speak import Json, run, say, tell, write

if TYPE_CHECKING:
    from app.desk.paying import PayLink
    from app.wiring import House
    from billing.flows.pay import CashTaken
    from billing.promises.model import Promise
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("pay")(pay)
    cli.command("promise")(promise)


def pay(
    contract: Contract,
    amount: Annotated[
        str | None, typer.Argument(help="Cash taken, like 19.90; none: a link.")
    ] = None,
    *,
    reference: Annotated[
        str, typer.Option(help="Your own name for it; the same one again is taken once.")
    ] = "",
    provider: Annotated[str, typer.Option(help="For a link: which payment provider.")] = "",
    as_json: Json = False,
) -> None:
    """Take cash, or make a link to pay on. The link is for all that is owed."""
    if amount is None:
        if reference:
            raise typer.BadParameter(
                "a link has none: cash needs an amount", param_hint="--reference"
            )
        _make_link(contract, provider, as_json=as_json)
        return
    if not reference:
        raise typer.BadParameter("cash needs a reference of your own", param_hint="--reference")
    _take_cash(contract, amount, reference, as_json=as_json)


def promise(
    contract: Contract,
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it is kept.")
    ],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take a household's word that it pays what it owes by a day. Until then nothing goes dark."""

    async def story(house: House, tx: Tx) -> Promise:
        from app.desk import paying

        return await paying.promise(house, tx, contract, until.date(), actor=actor(), reason=reason)

    made = write(story)
    if as_json:
        tell(made)
    else:
        say(f"{contract} pays {made.amount} until {made.until_on}")


def _take_cash(contract: str, amount: str, reference: str, *, as_json: bool) -> None:
    async def story(house: House, tx: Tx) -> CashTaken:
        from app.desk import paying

        money = await paying.parse_amount(tx, contract, typed(amount))
        return await paying.take_cash(
            house, tx, contract, amount=money, reference=reference, actor=actor()
        )

    done = write(story)
    number = done.receipt.number if done.receipt else ""
    if as_json:
        tell({"taken": done.is_new, "receipt": number})
    elif done.is_new:
        say(f"taken, receipt {number}")
    else:
        say(f"this reference was taken before, receipt {number or reference}: nothing changed")


def _make_link(contract: str, provider: str, *, as_json: bool) -> None:
    async def story(house: House) -> PayLink:
        from app.desk import paying

        return await paying.pay_link(house, contract, provider)

    link = run(story)
    if as_json:
        tell({"url": link.url, "amount": str(link.amount)})
    else:
        say(f"{link.amount} at {link.url}")
