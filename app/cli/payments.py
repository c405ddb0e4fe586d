"""`boxoffice refund`, `methods`: money that goes back, and how a household pays by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.speak import Json, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.flows.refund import Refunding
    from billing.reads.ways import MethodView, RefundView
    from runtime.store import Tx

Method = Annotated[str, typer.Argument(help="Its id, as `methods list` tells it.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Money that goes back to who paid it.", no_args_is_help=True)
    group.command("give")(give)
    group.command("list")(listing)
    cli.add_typer(group, name="refund")
    ways = typer.Typer(help="How a household pays by itself.", no_args_is_help=True)
    ways.command("list")(methods)
    ways.command("add")(add)
    ways.command("default")(default)
    ways.command("remove")(remove)
    cli.add_typer(ways, name="methods")


def give(
    contract: Contract,
    payment: Annotated[str, typer.Argument(help="Which payment, by the provider's reference.")],
    *,
    reference: Annotated[str, typer.Option(help="The same one again is the same refund.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit and for who asks later.")],
    amount: Annotated[str, typer.Option(help="Like 5.00; all that is left unless said.")] = "",
    line: Annotated[
        str, typer.Option(help="A line like INV-00000012.3 that a credit note gives back.")
    ] = "",
    provider: Annotated[str, typer.Option(help="Whose, where two have such a payment.")] = "",
    as_json: Json = False,
) -> None:
    """Give money back of a payment. Its invoice is open again, but for what a line gives back."""
    from dataclasses import asdict

    async def story(house: House, tx: Tx) -> Refunding:
        from app.desk import refunds

        await house.refresh_providers()
        return await refunds.give_back(
            house,
            tx,
            contract,
            payment,
            provider=provider,
            amount=amount,
            line=line,
            reason=reason,
            reference=reference,
            actor=actor(),
        )

    done = write(story)
    if as_json:
        tell({**asdict(done), "owed_again": not done.note})
    else:
        before = "" if done.is_new else ", as it was before"
        again = "" if done.note else "; what it had paid is owed again"
        say(f"{done.amount} of {done.charge} goes back: {done.state}{before}{again}")


def listing(contract: Contract, *, as_json: Json = False) -> None:
    """List the refunds of a household, the newest first."""

    async def story(_: House, tx: Tx) -> list[RefundView]:
        from billing.reads import ways

        return await ways.refunds(tx, contract)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (f"{one.at:%Y-%m-%d}", one.charge, str(one.amount), one.state.value, one.note, one.reason)
        for one in found
    ]
    table(("asked on", "payment", "amount", "state", "note", "why"), rows)


def methods(contract: Contract, *, as_json: Json = False) -> None:
    """List how a household pays, the one that is charged first."""

    async def story(_: House, tx: Tx) -> list[MethodView]:
        from billing.reads import ways

        return await ways.methods(tx, contract)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.id,
            one.provider,
            one.label,
            str(one.expires_on or ""),
            "charged" if one.is_charged else one.stopped.replace("_", " "),
        )
        for one in found
    ]
    table(("method", "provider", "what", "until", ""), rows)


def add(
    contract: Contract,
    *,
    provider: Annotated[str, typer.Option(help="Which payment provider.")] = "",
    replaces: Annotated[str, typer.Option(help="Which method goes for it.")] = "",
    as_json: Json = False,
) -> None:
    """Make a link to the provider's page on which a card is left."""

    async def story(house: House) -> str:
        from app.desk import methods as keeping

        return await keeping.setup_link(house, contract, provider=provider, replaces=replaces)

    url = run(story)
    if as_json:
        tell({"url": url})
    else:
        say(url)


def default(
    contract: Contract, method: Method, *, reason: Reason = "", as_json: Json = False
) -> None:
    """Make a method the one that is charged."""

    async def story(house: House, tx: Tx) -> str:
        from app.desk import methods as keeping

        return await keeping.prefer(house, tx, contract, method, actor=actor(), reason=reason)

    called = write(story)
    if as_json:
        tell({"method": method, "done": "default"})
    else:
        say(f"{called} is charged from now on")


def remove(
    contract: Contract, method: Method, *, reason: Reason = "", as_json: Json = False
) -> None:
    """Never charge a method again, here and at its provider."""

    async def story(house: House, tx: Tx) -> str:
        from app.desk import methods as keeping

        return await keeping.remove(house, tx, contract, method, actor=actor(), reason=reason)

    called = write(story)
    if as_json:
        tell({"method": method, "done": "removed"})
    else:
        say(f"{called} is not charged any more")
