"""`boxoffice wallet`: what is in a wallet, a page to put money in, money paid out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import actor
from app.cli.amounts import typed, typed_or_all
from app.cli.payments import as_listed
from app.cli.speak import Json, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.paying import PayLink
    from app.wiring import House
    from billing.reads.wallet import WalletView
    from billing.reads.ways import RefundView
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Money that has paid nothing yet.", no_args_is_help=True)
    group.command("show")(show)
    group.command("top-up")(top_up)
    group.command("pay-out")(pay_out)
    cli.add_typer(group, name="wallet")


def show(
    contract: Contract,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many lines.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what is in a wallet, and how it came and went, the newest first."""

    async def story(_: House, tx: Tx) -> WalletView:
        from billing.reads import wallet

        return await wallet.wallet(tx, contract, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    say(f"{found.balance} of account {found.number}")
    rows = [
        (str(one.on), one.kind.value, one.provider, one.document, f"{one.amount}", f"{one.balance}")
        for one in found.lines
    ]
    table(("day", "what", "by", "document", "amount", "balance"), rows)


def top_up(
    contract: Contract,
    amount: Annotated[str, typer.Argument(help="How much, like 50.00.")],
    *,
    provider: Annotated[str, typer.Option(help="Which payment provider.")] = "",
    as_json: Json = False,
) -> None:
    """Make a link to pay an amount on, whatever is owed. (Cash: `pay`. A card: `vouchers redeem`.)

    It pays the oldest debt first; the rest waits in the wallet.
    """

    async def story(house: House) -> PayLink:
        from app.desk import wallet

        return await wallet.top_up_link(house, contract, typed(amount), provider=provider)

    link = run(story)
    if as_json:
        tell({"url": link.url, "amount": str(link.amount)})
    else:
        say(f"{link.amount} at {link.url}")


def pay_out(
    contract: Contract,
    amount: Annotated[
        str | None, typer.Argument(help="How much; all that may go unless said.")
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the audit and the refunds.")],
    reference: Annotated[str, typer.Option(help="Your own name for it; the same again is once.")],
    as_json: Json = False,
) -> None:
    """Pay money out of a wallet, back the way it came; cash is handed over by you."""

    async def story(house: House, tx: Tx) -> list[RefundView]:
        from app.desk import wallet

        done = await wallet.pay_out(
            house,
            tx,
            contract,
            amount=typed_or_all(amount),
            reason=reason,
            reference=reference,
            actor=actor(),
        )
        return await as_listed(tx, done)

    listed = write(story)
    if as_json:
        tell(listed)
        return
    for one in listed:
        say(f"{one.amount} of payment {one.payment}: {one.state}")
