"""`boxoffice refund`, `methods`: money that goes back, and how a household pays by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.amounts import typed_or_all
from app.cli.speak import Json, read, run, say, table, tell, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.wiring import House
    from billing.flows.refund import Refunding
    from billing.flows.second import Decided
    from billing.reads.refunds import WaitingRefund
    from billing.reads.ways import MethodView, RefundView
    from runtime.store import Tx

Refund = Annotated[
    str, typer.Argument(help="Its id, as `refund list` and `refund waiting` tell it.")
]
Method = Annotated[str, typer.Argument(help="Its id, as `methods list` tells it.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Money that goes back to who paid it.", no_args_is_help=True)
    group.command("give")(give)
    group.command("list")(listing)
    group.command("waiting")(waiting)
    group.command("release")(release)
    group.command("decline")(decline)
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
    amount: Annotated[
        str | None, typer.Option(help="Like 5.00; all that is left unless said.")
    ] = None,
    line: Annotated[
        str, typer.Option(help="A line like INV-00000012.3 that a credit note gives back.")
    ] = "",
    provider: Annotated[str, typer.Option(help="Whose, where two have such a payment.")] = "",
    as_json: Json = False,
) -> None:
    """Give money back of a payment. Its invoice is open again, but for what a line gives back.

    More than one person gives back alone waits for a second one.
    """
    from dataclasses import asdict

    async def story(house: House, tx: Tx) -> tuple[Refunding, list[RefundView]]:
        from app.desk import refunds

        await house.refresh_providers()
        done = await refunds.give_back(
            house,
            tx,
            contract,
            payment,
            provider=provider,
            amount=typed_or_all(amount),
            line=line,
            reason=reason,
            reference=reference,
            actor=actor(),
        )
        return done, await as_listed(tx, [done])

    done, (listed,) = write(story)
    if as_json:
        tell({**asdict(listed), "is_new": done.is_new, "owed_again": not line})
        return
    before = "" if done.is_new else ", as it was before"
    if done.state in {"waiting", "declined"}:
        word = "waits for a second person" if done.state == "waiting" else "was declined"
        say(f"{done.amount} of {done.charge} {word}{before}: refund {done.id}")
        return
    again = "" if line else "; what it had paid is owed again"
    say(f"{done.amount} of {done.charge} goes back: {done.state}{before}{again}")


async def as_listed(tx: Tx, done: Iterable[Refunding]) -> list[RefundView]:
    """Look up what has become of some refunds, as `refund list` shows each."""
    from billing.reads import ways

    return await ways.refunds_of(tx, [one.id for one in done])


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
        (
            one.id,
            f"{one.at:%Y-%m-%d}",
            one.payment,
            f"{one.amount}",
            one.state.value,
            one.credit_note,
            one.reason,
            one.decided_by,
            one.decided_why,
        )
        for one in found
    ]
    heads = ("refund", "asked on", "payment", "amount", "state", "credit note", "reason")
    table((*heads, "decided by", "decided why"), rows)


def waiting(
    *,
    after: Annotated[str, typer.Option(help="Only those behind this refund.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 100,
    as_json: Json = False,
) -> None:
    """List the refunds that wait for a second person, the oldest first."""

    async def story(_: House, tx: Tx) -> list[WaitingRefund]:
        from billing.reads import refunds

        return await refunds.waiting(tx, limit=limit, after=after)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.id,
            one.contract,
            f"{one.at:%Y-%m-%d}",
            f"{one.payments} payments" if one.payments > 1 else one.payment,
            f"{one.amount}",
            _of_what(one),
            one.asked_by,
            one.reason,
        )
        for one in found
    ]
    heads = ("refund", "contract", "asked on", "payment", "amount", "of line")
    table((*heads, "asked by", "reason"), rows)


def _of_what(one: WaitingRefund) -> str:
    """Tell of what a refund is, where it is not what a payment left."""
    return "the wallet" if one.pay_out else one.line


def release(refund: Refund, *, reason: Reason = "", as_json: Json = False) -> None:
    """Let a refund go that waits, as a second person: not who asked for it."""

    async def story(house: House, tx: Tx) -> tuple[Decided, list[RefundView]]:
        from app.desk import refunds

        await house.refresh_providers()
        done = await refunds.release(house, tx, refund, actor=actor(), reason=reason)
        return done, await as_listed(tx, done.parts)

    _tell_decided(*write(story), "goes back", as_json=as_json)


def decline(
    refund: Refund,
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever asked for it and the audit.")],
    as_json: Json = False,
) -> None:
    """Say no to a refund that waits, as a second person: nothing goes back."""

    async def story(house: House, tx: Tx) -> tuple[Decided, list[RefundView]]:
        from app.desk import refunds

        done = await refunds.decline(house, tx, refund, actor=actor(), reason=reason)
        return done, await as_listed(tx, done.parts)

    _tell_decided(*write(story), "is declined", as_json=as_json)


def _tell_decided(done: Decided, listed: list[RefundView], word: str, *, as_json: bool) -> None:
    if as_json:
        tell({"contract": done.contract, "is_new": done.is_new, "refunds": listed})
        return
    before = "" if done.is_new else ", as it was before"
    say(f"{done.amount} of {done.charges} {word}{before}")


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
